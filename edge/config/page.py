"""The part of the configuration that says who may look at the gate in a browser."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from edge.config.delivery import Secret
from edge.config.section import AnyPath, Section
from edge.config.uri import check_host

_LISTEN = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>\d{1,5})")


def _listen(text: str) -> str:
    found = _LISTEN.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise ValueError("is no HOST:PORT such as 127.0.0.1:8787 or [::1]:8787")
    check_host(found["six"] or found["host"])
    return text


Listen = Annotated[
    str, AfterValidator(_listen), Field(json_schema_extra={"$comment": "HOST:PORT or [IPv6]:PORT"})
]
HostName = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class PageSettings(Section):
    """The live page, `/metrics`, `/status`, `/livez` and `/readyz`, served by `edge-gate run`."""

    enabled: bool = True
    """Serve them at all; not while files are only read to their end."""
    listen: Listen = "127.0.0.1:8787"
    """
    Where. 127.0.0.1 is this machine only (reach it by `ssh -L`), 0.0.0.0 is every network, which
    needs a token; port 0 takes a free one and logs it.
    """
    token: Secret | None = None
    """What a viewer must know, at least 16 characters; required unless `listen` is loopback."""
    certificate: AnyPath | None = None
    """
    PEM file of this machine's certificate and those between it and its authority: the page is then
    served over https:// only. Read anew with each reload. With `key`.
    """
    key: AnyPath | None = None
    """PEM file of the certificate's key, not encrypted; readable by the service only."""
    allow_apply: bool = False
    """Let the page write a threshold, masks and hours into this file and reload it."""
    history: AnyPath | None = None
    """
    A file for a week of counts by the hour and of events, and for the faces that you mark as judged
    wrongly, as numbers: no face is in it. In memory, and without marks, if not set.
    """
    hosts: Annotated[tuple[HostName, ...], Field(strict=False)] = ()
    """
    Names in the address bar besides IP addresses, localhost and this machine's own name; of a
    reverse proxy, say. Others are refused (DNS rebinding).
    """

    @model_validator(mode="after")
    def _others_need_a_token(self) -> "PageSettings":
        if self.enabled and self.token is None and not is_loopback(self.address[0]):
            raise ValueError(
                f"listen {self.listen} lets other machines see faces: give page.token, "
                "or listen on 127.0.0.1 and use ssh -L"
            )
        return self

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "PageSettings":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both or neither")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host without brackets, and port."""
        found = _LISTEN.fullmatch(self.listen)
        assert found is not None  # noqa: S101 -- validated above
        return found["six"] or found["host"], int(found["port"])


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"
