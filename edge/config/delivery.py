"""
The parts of the configuration that say where forwarded faces go.

No secret is ever written here: a `Secret` names where it is found (see `edge.config.credentials`).
"""

import re
from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, model_validator

from edge.config.quantities import ByteCount, Duration
from edge.config.section import AnyPath, Section
from edge.config.uri import check_host

SinkName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
DeviceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
SecretName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")]
Topic = Annotated[str, Field(pattern=r"^[^+#/$\x00]([^+#\x00]*[^+#/\x00])?$", max_length=200)]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Secret(Section):
    """Where a token or password is found: systemd credential, then environment, then file."""

    name: SecretName
    """Credential `NAME` of systemd (LoadCredential=), or environment variable EDGE_GATE_NAME."""
    file: AnyPath | None = None
    """Read when there is neither; it should be readable by the service only."""


class DirectorySinkSettings(Section):
    """Face images with a JSON sidecar each, in one folder."""

    type: Literal["directory"] = "directory"
    name: SinkName = "directory"
    """Names the sink in logs, metrics and the outbox."""
    path: AnyPath
    """The folder; made when missing."""
    keep_at_most: Annotated[int, Field(gt=0)] | None = None
    """Faces; the oldest go first. Unlimited if not set."""
    keep_for: Duration | None = 30 * 86400.0
    """Faces older than this are deleted; 36500d keeps them until somebody deletes them."""
    file_mode: Annotated[str, Field(pattern=r"^0[0-7]{3}$")] = "0640"
    """
    Permissions of the files, in quotes: "0640" lets the folder's group read faces, "0600" nobody
    else.
    """
    fsync: bool = False
    """Wait for the disk, so that a face also survives a power loss."""


class StdoutSinkSettings(Section):
    """JSON Lines on standard output, without the face images."""

    type: Literal["stdout"] = "stdout"
    name: SinkName = "stdout"
    """Names the sink in logs, metrics and the outbox."""


class _NetworkSinkSettings(Section):
    timeout: Duration = 10.0
    """For one whole delivery, however slowly the other side answers."""
    ca_file: AnyPath | None = None
    """PEM file of the authority that signed the server's certificate; else the system's."""
    client_certificate: AnyPath | None = None
    """PEM file; with client_key it proves this device to the server (mutual TLS)."""
    client_key: AnyPath | None = None
    """PEM file, not encrypted."""

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "_NetworkSinkSettings":
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key go together: give both or neither")
        return self


def _server(key: str, text: str) -> SplitResult:
    """Return the parts of an address that can be connected to; raise ValueError for another."""
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port
        host.encode("idna")
    except ValueError:  # UnicodeError is one
        raise ValueError(f"{key}: host or port is wrong") from None
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"{key} holds blanks or characters beyond ASCII: percent-encode them")
    if port == 0:
        raise ValueError(f"{key}: host or port is wrong")
    if not host:
        raise ValueError(f"{key} does not start with https://HOST or http://HOST")
    if url.username or url.password:
        name = "login" if key == "url" else "proxy_login"
        raise ValueError(f"{key} holds a user name or password: use {name} instead")
    return url


class HttpSinkSettings(_NetworkSinkSettings):
    """POST of a multipart form: `record` (JSON) and `face_image`."""

    type: Literal["http"] = "http"
    name: SinkName = "http"
    """Names the sink in logs, metrics and the outbox."""
    url: str
    """https://…; http:// only to this machine, or with allow_plaintext."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer …`."""
    login: Secret | None = None
    """The secret `user:password`, sent as `Authorization: Basic …`; instead of `token`."""
    proxy: str | None = None
    """http://HOST:PORT of a proxy on the way; HTTPS_PROXY and its like are not heeded."""
    proxy_login: Secret | None = None
    """The secret `user:password` for the proxy."""
    signing_secret: Secret | None = None
    """
    Key of the HMAC-SHA256 of the body, sent in `X-Edge-Gate-Signature`; docs/protocol.md shows how
    to check it.
    """
    allow_plaintext: bool = False
    """Send faces unencrypted over a network you trust otherwise."""

    @model_validator(mode="after")
    def _encrypted_or_meant_not_to_be(self) -> "HttpSinkSettings":
        url = _server("url", self.url)
        if url.scheme not in ("http", "https"):
            raise ValueError("url does not start with https://HOST or http://HOST")
        if url.scheme == "http" and url.hostname not in LOOPBACK and not self.allow_plaintext:
            raise ValueError("url is not encrypted: use https:// or set allow_plaintext: true")
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> "HttpSinkSettings":
        if self.token is not None and self.login is not None:
            raise ValueError("token and login are both given: a server takes one of them")
        if self.proxy is None:
            if self.proxy_login is not None:
                raise ValueError("proxy_login is given, and no proxy")
            return self
        proxy = _server("proxy", self.proxy)
        if proxy.scheme != "http" or proxy.path.strip("/") or proxy.query:
            raise ValueError("proxy is not of the form http://HOST:PORT, the only kind supported")
        return self


def _host(text: str) -> str:
    if "://" in text:
        scheme, _, rest = text.partition("://")
        host = rest.partition("/")[0].rpartition("@")[2]
        secure = "true" if scheme.lower() in ("mqtts", "wss", "ssl", "tls") else "false"
        raise ValueError(
            f"is an address: give its parts, host: {host.partition(':')[0]}, port: … "
            f"and tls: {secure}"
        )
    check_host(text)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?", text):
        raise ValueError("is no name or address of a host; the port is a key of its own")
    return text


class DesiredSettings(Section):
    """Who may set thresholds of this gate over the broker: the owner of a key signs each order."""

    key: AnyPath
    """PEM file of a public Ed25519 key; its owner orders with `edge-gate fleet set`."""
    newest: AnyPath
    """A file in which the gate notes the newest order, so that none counts again; not in /tmp."""


class MqttSinkSettings(_NetworkSinkSettings):
    """One JSON message for each face; docs/protocol.md has the topics."""

    type: Literal["mqtt"] = "mqtt"
    name: SinkName = "mqtt"
    """Names the sink in logs, metrics and the outbox."""
    host: Annotated[str, Field(min_length=1), AfterValidator(_host)]
    """Name or address of the broker."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8883
    """8883 with TLS, usually 1883 without."""
    tls: bool = True
    """Encrypt, and check the broker's certificate."""
    protocol: Literal["5", "3.1.1"] = "5"
    """MQTT version; with 5 the broker can say why it refuses a message or ends a connection."""
    websocket: Annotated[str, Field(pattern=r"^/[!-~]*$")] | None = None
    """Path of the broker's WebSocket, often /mqtt: MQTT goes over that. Plain MQTT if not set."""
    qos: Literal[0, 1] = 1
    """Highest quality of service. 0 for a broker of 3.1.1 without 1; one of 5 says it itself."""
    retain: bool = True
    """Let state be retained. false for a broker of 3.1.1 that cannot; one of 5 says it itself."""
    username: str | None = None
    """The broker's name for this device."""
    password: Secret | None = None
    device: DeviceName | None = None
    """Level after `topic`, and part of the client id: one for each gate. Else the host's name."""
    topic: Topic = "edge-gate"
    """First level or levels of each topic."""
    keepalive: Annotated[Duration, Field(ge=5, le=65535)] = 30.0
    """The broker publishes the last will after one and a half times this silence."""
    status: bool = True
    """Services: publish the status of the gate, retained; docs/protocol.md has its schema."""
    status_every: Annotated[Duration, Field(ge=5)] = 60.0
    """Publish it at least this often; a change of state is told within 5 seconds."""
    desired: DesiredSettings | None = None
    """
    Services: take signed thresholds from `TOPIC/DEVICE/desired`, write them into this file and
    reload it; docs/fleet.md. Off if not set.
    """
    include_face_image: bool = True
    """Put the face image into the JSON message, in Base64."""
    home_assistant: bool = False
    """Announce a quality sensor and the last face image to Home Assistant, for each camera."""
    home_assistant_prefix: Topic = "homeassistant"
    """Home Assistant's discovery prefix."""

    @model_validator(mode="after")
    def _answers_in_its_status(self) -> "MqttSinkSettings":
        if self.desired is not None and not self.status:
            raise ValueError("desired needs status: true, in which the gate answers")
        return self


SinkSettings: TypeAlias = Annotated[
    DirectorySinkSettings | StdoutSinkSettings | HttpSinkSettings | MqttSinkSettings,
    Field(discriminator="type"),
]


class OutboxSettings(Section):
    """The file that keeps forwarded faces until each sink has them."""

    path: AnyPath
    """An sqlite file on a local file system, for one gate; 4 MB stay free for it."""
    quota: ByteCount = 200_000_000
    """Bytes of records and face images; when full, the lowest quality goes first."""
    ttl: Duration = 7 * 86400.0
    """Time to live: what no sink took for this long is deleted, dead letters too."""
    durability: Literal["process", "power_loss"] = "process"
    """process: survives a killed process; power_loss: a power cut too, ten times slower."""
    memory: ByteCount = 4_000_000
    """Bytes of faces kept in memory while the disk is full."""


class BackoffSettings(Section):
    """How long to wait after failed attempts: doubled each time, the later half of it random."""

    first: Duration = 1.0
    """Longest wait after the first failure."""
    at_most: Duration = 300.0
    """Longest wait after many failures."""


class DeliverySettings(Section):
    """The outbox before the sinks, and what is sent to them."""

    outbox: OutboxSettings | None = None
    """Keeps faces until every sink has them; if not set, a sink that is down loses them."""
    backoff: BackoffSettings = BackoffSettings()
    """Pace of repeated attempts."""
    include_embedding: bool = False
    """Send the dense network's embedding, a biometric template, along with each face."""
    face_image: Literal["image/png", "image/jpeg"] = "image/png"
    """Encoding of face images; PNG loses nothing, JPEG (quality 95) is a quarter of its size."""
