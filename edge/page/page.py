"""The page of one running gate: who may see it, what it remembers, where it listens."""

import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from edge.config.changes import changes
from edge.config.credentials import read_secret
from edge.config.model import Config
from edge.config.page import PageSettings, is_loopback
from edge.config.tls import server_context
from edge.errors import ConfigError
from edge.gate.observation import Observation
from edge.history.history import History
from edge.page.camera_pages import CameraPages
from edge.page.history_pages import HistoryPages
from edge.page.http_messages import Request, Response, json_response
from edge.page.memory import CameraMemory
from edge.page.routes import HTML, Gatekeeping, Get, Routes, answer, static_file
from edge.page.server import Server
from edge.page.state_words import Document
from edge.page.threshold import ConfigurationFile
from edge.watched_thread import WatchedThread

log = logging.getLogger(__name__)

SHORTEST_TOKEN = 16
"""Characters: at a thousand guesses a second that is safe even in lower-case letters."""
STATE_EVERY_S = 0.5
"""However many browsers ask, the gate's books are read this often at most."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What the page asks of the gate."""

    path: Path
    """Of the configuration file."""
    read: Callable[[Path], Config]
    """Reads and checks it."""
    reload: Callable[[], None]
    """Asks for it to be read again; returns at once."""
    running: Callable[[], Config]
    """The configuration in effect."""
    state: Callable[[], Document]
    """For the page."""
    monitoring: Mapping[str, Get]
    """Answers for programs, by path: /metrics, /status."""
    probes: Mapping[str, Get]
    """The same, but they may be asked without a token: /livez, /readyz."""
    history: History = field(default_factory=History)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The newest reading of the configuration file."""

    number: int = 0
    """Counts up."""
    problem: str | None = None
    """Why the configuration before was kept; None when all is well."""


class Page:
    """Takes its address when made; begins to answer with `start`."""

    def __init__(self, config: Config, *, is_needed: bool = True) -> None:
        """
        Take the address.

        Args:
            config: The first one.
            is_needed: Whether somebody who starts the gate waits for a page that the configuration
                names; else the gate goes on without, and `try_again` may find the address free.

        Raises:
            ConfigError: The address that the configuration names is in use and needed, or the token
                is missing or too short, or the certificate cannot be used.
        """
        self.reloaded = Reloaded()
        self.problem: str | None = None
        """Why there is no page although one is enabled; None when all is well."""
        self._memories: dict[str, CameraMemory] = {}
        self._routes: Routes | None = None
        self._config, self._keeping = config, gatekeeping(config.page)
        self._server = self._listening(config.page, page_tls(config.page), is_needed=is_needed)

    @property
    def port(self) -> int | None:
        """Where it listens; None when it is not enabled."""
        return None if self._server is None else self._server.port

    def threads(self) -> list[WatchedThread]:
        """Return the one that takes connections; none when it is not enabled."""
        return [] if self._server is None else [self._server.thread]

    def start(self, gate: Gate) -> None:
        """Begin to answer out of a gate that runs."""
        self._routes = _routes(gate, self.memory, lambda: self.reloaded)
        self._begin()

    def try_again(self) -> None:
        """Take the address if it was not free before; not while another thread is `changing`."""
        if self.problem is None or self._routes is None:
            return
        page = self._config.page
        self._server = self._listening(page, page_tls(page), is_needed=False)
        self._begin()

    def close(self) -> None:
        """Give the address back; safe to call twice."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def take(self, observation: Observation) -> None:
        """Remember what one frame led to; called by the worker's thread, and quick."""
        if self._server is not None:
            self.memory(observation.camera).take(observation)

    @contextmanager
    def changing(self, config: Config) -> Iterator[None]:
        """
        Change to another configuration when the block ends without an error.

        Raises:
            ConfigError: As the constructor, before the block; the page goes on as it was.
        """
        keeping, tls = self._keeping_of(config.page), page_tls(config.page)
        before, server = self._server, self._server
        try:
            if _place(config.page) != _place(self._config.page):
                server = self._moved(config.page, tls)
            yield
        except BaseException:
            self._move_back(before, server)
            raise
        for name in changes(self._config, config).closed:
            self._memories.pop(name, None)
        self._config, self._keeping, self._server = config, keeping, server
        if server is not None:
            server.tls = tls  # a certificate is renewed without a new address
        if server is not before:
            self._begin()
            if before is not None:
                before.stop()

    def _keeping_of(self, settings: PageSettings) -> Gatekeeping:
        """Return who may ask; sessions go on, and wrong tokens stay counted."""
        before = self._keeping
        return replace(
            gatekeeping(settings), sessions=before.sessions, wrong_tokens=before.wrong_tokens
        )

    def _moved(self, settings: PageSettings, tls: ssl.SSLContext | None) -> Server | None:
        """Listen elsewhere; the same port of another address can only be taken when it is free."""
        if settings.enabled and self.port == settings.address[1]:
            self.close()
        return self._listening(settings, tls)

    def _move_back(self, before: Server | None, server: Server | None) -> None:
        if server is not None and server is not before:
            server.stop()
        if before is not self._server:
            page = self._config.page
            self._server = self._listening(page, page_tls(page), is_needed=False)
            self._begin()

    def memory(self, camera: str) -> CameraMemory:
        """Return what is remembered of a camera; empty where the page is not enabled."""
        return self._memories.setdefault(camera, CameraMemory())

    def _listening(
        self, settings: PageSettings, tls: ssl.SSLContext | None, *, is_needed: bool = True
    ) -> Server | None:
        before, self.problem = self.problem, None
        if not settings.enabled:
            return None
        try:
            return Server(settings, self._answer, tls)
        except ConfigError as error:
            if is_needed and "listen" in settings.model_fields_set:
                raise
            # Faces are the gate's work, and a page is not.
            self.problem = f"{error}; the gate runs without its page and its metrics"
            if self.problem != before:
                log.error("%s, and tries again", self.problem)  # noqa: TRY400 -- no bug
            return None

    def _begin(self) -> None:
        if self._server is not None:
            self._server.start()
            host = self._config.page.address[0]
            shown = f"[{host}]" if ":" in host else host
            scheme = "http" if self._server.tls is None else "https"
            log.info("look at %s://%s:%d/", scheme, shown, self._server.port)
            if scheme == "http" and not is_loopback(host):
                log.warning("faces and the token travel unencrypted; see page.certificate")

    def _answer(self, request: Request) -> Response:
        assert self._routes is not None  # noqa: S101 -- a server is started after it
        return answer(request, self._keeping, self._routes)


def _routes(
    gate: Gate, memory: Callable[[str], CameraMemory], reloaded: Callable[[], Reloaded]
) -> Routes:
    cameras = CameraPages(
        memory, gate.running, ConfigurationFile(gate.path, gate.read), gate.reload
    )
    past = HistoryPages(gate.history, memory, gate.running)
    state = _Now(gate.state)
    return Routes(
        plain={
            "/": lambda _: Response(200, HTML, static_file("index.html")),
            "/api/state": lambda _: json_response(
                {**state.read(), "reload": asdict(reloaded()), "newest": cameras.newest()}
            ),
            "/api/events": past.events,
            **gate.monitoring,
        },
        open_to_all=gate.probes,
        of_cameras={
            "frame": cameras.frame,
            "faces": cameras.faces,
            "face": cameras.face,
            "record": cameras.record,
            "preview": cameras.preview,
            "change": cameras.change,
            "area": cameras.area,
            "area-preview": cameras.area_preview,
            "area-change": cameras.area_change,
            "history": past.hours,
            "marks": past.marks,
        },
        orders={
            "threshold": cameras.threshold,
            "mark": past.mark,
            "apply-area": cameras.apply_area,
        },
    )


class _Now:
    """A document that is made anew after a short while, by the first who asks."""

    def __init__(self, read: Callable[[], Document]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._until_s = float("-inf")
        self._document: Document = {}

    def read(self) -> Document:
        with self._lock:
            if time.monotonic() >= self._until_s:
                self._document = self._read()
                self._until_s = time.monotonic() + STATE_EVERY_S
            return self._document


def gatekeeping(settings: PageSettings) -> Gatekeeping:
    """
    Return who may ask.

    Raises:
        ConfigError: The token is missing or too short.
    """
    own = socket.gethostname().lower()
    names = {own, f"{own.partition('.')[0]}.local", *settings.hosts}
    host = settings.address[0].lower()
    if not is_loopback(host):
        names.add(host)
    return Gatekeeping(_token(settings), frozenset(names), settings.certificate is not None)


def page_tls(settings: PageSettings) -> ssl.SSLContext | None:
    """
    Return how the page is encrypted; None when it is not.

    Raises:
        ConfigError: The certificate or its key cannot be used.
    """
    if not settings.enabled or settings.certificate is None or settings.key is None:
        return None
    return server_context(settings.certificate, settings.key)


def _token(settings: PageSettings) -> str | None:
    if settings.token is None or not settings.enabled:
        return None
    token = read_secret(settings.token)
    if len(token) < SHORTEST_TOKEN:
        raise ConfigError(
            f"page.token: the secret {settings.token.name!r} is shorter than {SHORTEST_TOKEN} "
            "characters and could be guessed; make one with: openssl rand -hex 16"
        )
    return token


def _place(settings: PageSettings) -> tuple[bool, str]:
    return settings.enabled, settings.listen
