"""Where faces shall go, as somebody types it: a folder, https://…, mqtt://…, stdout."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote

from edge.commissioning.questions import Questions
from edge.commissioning.secret_files import SecretFiles
from edge.config.delivery import LOOPBACK
from edge.config.edits.lists import flow
from edge.config.uri import parts_with_host
from edge.errors import UsageError

FORMS = "a folder, https://HOST/PATH, mqtt://HOST, or stdout"
SECRET_FLAG = "--sink-secret FILE"  # noqa: S105 -- the name of a flag
KEEP_FOR = "30d"
PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*")
"""Text that YAML needs no quotes for."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """One sink, as lines of YAML below its dash."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receivers:
    """What it takes to make sinks out of what somebody typed."""

    ask: Questions
    secrets: SecretFiles
    folder: Path
    """Of the configuration file."""
    secret: str | None = None
    """Token or password, given beforehand."""
    plain_allowed: bool = False

    def of(self, texts: list[str]) -> list[Receiver]:
        """
        Return the sinks, each with a name of its own.

        Raises:
            UsageError: One can mean nothing, or a question was not answered.
        """
        names: list[str] = []
        return [self._receiver(text, names) for text in texts]

    def _receiver(self, text: str, names: list[str]) -> Receiver:
        scheme = text.partition("://")[0].lower() if "://" in text else ""
        if scheme in ("http", "https"):
            return Receiver(tuple(self._http(text, _apart("http", names))))
        if scheme in ("mqtt", "mqtts"):
            return Receiver(tuple(self._mqtt(text, _apart("mqtt", names))))
        if scheme:
            raise UsageError(f"faces cannot be sent to {scheme}://; name {FORMS}")
        if not text.strip():  # as of a variable that is not set
            raise UsageError(f"an empty text is no sink; name {FORMS}")
        if text in ("stdout", "-"):
            return Receiver(("type: stdout", f"name: {_apart('stdout', names)}"))
        return Receiver(tuple(self._directory(text, _apart("directory", names))))

    def _directory(self, text: str, name: str) -> Iterator[str]:
        yield "type: directory      # each face image, and its record beside it"
        yield f"name: {name}"
        yield f"path: {quoted(written(Path(text), self.folder))}"
        yield f"keep_for: {KEEP_FOR}        # older faces are deleted"

    def _http(self, text: str, name: str) -> Iterator[str]:
        parts = _split(text)
        yield "type: http           # POST of a form; docs/protocol.md"
        yield f"name: {name}"
        yield f"url: {quoted(text)}"
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            question = f"Faces would travel to {parts.hostname} unencrypted. Allow that"
            if not (self.plain_allowed or self.ask.sure(question, "--plain", default=False)):
                raise UsageError(f"{parts.hostname}: use https://, or allow it with --plain")
            yield "allow_plaintext: true"
        token = self._asked(f"Token for {parts.hostname} (empty: none)")
        if token:
            yield from self._secret("token", f"{name}-token", token)

    def _mqtt(self, text: str, name: str) -> Iterator[str]:
        parts = _split(text)
        tls = parts.scheme.lower() == "mqtts"
        yield "type: mqtt           # one JSON message for each face; docs/protocol.md"
        yield f"name: {name}"
        yield f"host: {quoted(parts.hostname or '')}"
        yield f"port: {parts.port or (8883 if tls else 1883)}"
        yield f"tls: {'true' if tls else 'false'}"
        if parts.username:
            yield f"username: {quoted(unquote(parts.username))}"
            password = unquote(parts.password or "") or self._asked("Password (empty: none)")
            if password:
                yield from self._secret("password", f"{name}-password", password)

    def _asked(self, question: str) -> str:
        if self.secret is not None:
            return self.secret
        return self.ask.hidden(question, SECRET_FLAG)

    def _secret(self, key: str, name: str, secret: str) -> Iterator[str]:
        file = self.secrets.keep(name, secret)
        yield f"{key}: {{name: {name}, file: {quoted(written(file, self.folder))}}}"


def quoted(text: str) -> str:
    """Return a text as YAML reads it back, whatever it holds."""
    if PLAIN.fullmatch(text) and text.lower() not in ("true", "false", "null"):
        return text
    return flow(text)


def written(path: Path, folder: Path) -> str:
    """
    Return a path as the configuration in a folder names it.

    It is relative below the folder, and where it was given relative: to the folder then.
    """
    path, folder = path.expanduser(), folder.absolute()
    absolute = path.absolute()
    if path.is_absolute() and not absolute.is_relative_to(folder):
        return str(absolute)
    relative = os.path.relpath(absolute, folder)
    # As the configuration is read, "link/.." is no step; a system takes it through the link.
    meant = Path(os.path.abspath(folder / relative))  # noqa: PTH100
    return relative if meant.resolve() == absolute.resolve() else str(absolute.resolve())


def _split(text: str) -> SplitResult:
    parts = parts_with_host(text)
    if parts is None:
        raise UsageError(f"host or port is wrong in {text.partition('://')[0]}://…; name {FORMS}")
    return parts


def _apart(kind: str, names: list[str]) -> str:
    """Return a name that none of the others has, and note it."""
    number = sum(each.startswith(kind) for each in names) + 1
    name = kind if number == 1 else f"{kind}{number}"
    names.append(name)
    return name
