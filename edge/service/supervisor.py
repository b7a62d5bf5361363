"""
Runs the daemon for a service manager: signals, heartbeat, reload, exit code.

    SIGTERM, SIGINT   decide about what has arrived, deliver for a bounded time, exit 0
    SIGHUP            read the configuration again; a wrong one changes nothing
    SIGUSR1           write the ledger to the log
    SIGABRT           (of the watchdog) write the stack of every thread, then die

The main thread only waits and watches, so that it is there when the others are stuck.
"""

import faulthandler
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, TypeAlias

from edge.config.delivery import MqttSinkSettings
from edge.config.model import Config
from edge.errors import EdgeError
from edge.fleet.follower import Follower, Gate
from edge.gate.observation import Listeners, Observers
from edge.history.history import History
from edge.monitoring.status_teller import StatusTeller
from edge.page.page import Page, Reloaded
from edge.page.state import ConfigurationFile, gate_of, states_of
from edge.page.threshold import ConfigurationFile as EditedFile
from edge.pipeline.daemon import Daemon, OpenSource
from edge.pipeline.ledger import Ledgers
from edge.pipeline.minutes import Minutes
from edge.pipeline.telemetry import Telemetry
from edge.service.notify import is_service, notify, reloading, status, watchdog_interval_s
from edge.service.sole_use import SoleUse
from edge.shadow_log.log import ShadowLog
from edge.sinks.mqtt_terms import device_name
from edge.watched_thread import WatchedThread
from engines.amounts import amount
from engines.errors import EnginesError

log = logging.getLogger(__name__)

Event: TypeAlias = Literal["stop", "reload", "reloaded", "ledger", "ended"]
SIGNALS: dict[signal.Signals, Event] = {
    signal.SIGTERM: "stop",
    signal.SIGINT: "stop",
    signal.SIGHUP: "reload",
    signal.SIGUSR1: "ledger",
}
REQUESTS = frozenset(number for number, event in SIGNALS.items() if event != "stop")
DRAIN_S = 5.0
"""For sinks at the end; with all other bounds it stays below the unit's TimeoutStopSec=."""
RELOAD_S = 5.0
"""For a reload that has not ended when the process is to end."""
GOODBYE_S = 2.0
"""For brokers to learn that the gate ends."""
HEARTBEAT_S = 5.0
"""Without a watchdog: how often the status is told."""


class Supervisor:
    """One run of the daemon, in the main thread."""

    def __init__(self, path: Path, read: Callable[[Path], Config], open_source: OpenSource) -> None:
        """
        Prepare; nothing is read or opened yet.

        Args:
            path: The configuration file.
            read: Reads and checks it.
            open_source: Returns a source that is not started.
        """
        self._path, self._read, self._open_source = path, read, open_source
        # The only queue that a signal handler may use while the main thread waits on it.
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._interval_s = watchdog_interval_s() or HEARTBEAT_S
        self._telemetry = Telemetry(patience_s=2 * self._interval_s)
        self._shadow_log = ShadowLog()
        self._history = History()
        self._status = StatusTeller(self._telemetry.status)
        self._sole_use = SoleUse()
        self._minutes = Minutes()
        self._reload: threading.Thread | None = None
        self._reload_again = False
        self._is_stuck = False
        self._page: Page | None = None

    def run(self) -> int:
        """
        Run until a signal or the end of all files; return the exit code.

        Raises:
            ConfigError: The first configuration is wrong.
            InUseError: Another gate uses its outbox or shadow log.
            EdgeError, EnginesError: Something it names cannot be opened.
        """
        faulthandler.enable()
        notify(status("opening the engine pair and the outbox"))
        config = self._read(self._path)
        with closing(self._sole_use):
            # Before the page, whose port the other gate has too: that would not tell what is wrong.
            self._sole_use.take(config)
            with closing(Page(config, is_needed=not is_service())) as page:
                return self._run(config, page)

    def _run(self, config: Config, page: Page) -> int:
        lookers = (self._telemetry, self._shadow_log, self._history)
        observers = Observers((*(each.observe for each in lookers), page.take))
        watch = Listeners(observers, self._telemetry.metrics.took)
        daemon = Daemon(config, self._open_source, lambda: self._events.put("ended"), watch)
        self._history.states = lambda: states_of(daemon)
        self._follow(daemon)
        self._page = page
        self._telemetry.onlookers = self._onlookers
        self._telemetry.page_problem = lambda: page.problem
        file = ConfigurationFile(self._path, self._read, lambda: self._events.put("reload"))
        with self._signals():
            daemon.start()
            page.start(gate_of(daemon, self._telemetry, file, self._history))
            self._status.follow = lambda settings: self._follower(settings, daemon, page)
            self._status.use(daemon.config)
            log.info("ready", extra={"fields": {"config": str(self._path)}})
            notify("READY=1", self._status_line(daemon))
            self._watch(daemon)
            notify("STOPPING=1", status("delivering what is left"))
            page.close()
            return self._end(daemon)

    def _follower(self, settings: MqttSinkSettings, daemon: Daemon, page: Page) -> Follower:
        assert settings.desired is not None  # noqa: S101 -- asked for no other
        gate = Gate(
            name=f"{settings.topic}/{device_name(settings)}",
            file=EditedFile(self._path, self._read),
            running=lambda: daemon.config,
            reload=lambda: self._events.put("reload"),
            reloaded=lambda: page.reloaded,
            memory=page.memory,
        )
        return Follower(settings.desired, gate, self._status.wake)

    def _onlookers(self) -> list[WatchedThread]:
        page = [] if self._page is None else self._page.threads()
        return [self._status.thread, *self._shadow_log.threads(), self._history.thread, *page]

    def _follow(self, daemon: Daemon) -> None:
        self._telemetry.follow(daemon)
        self._shadow_log.use(daemon.config, daemon.pair_id)
        self._history.use(daemon.config)

    def _watch(self, daemon: Daemon) -> None:
        """Return when the daemon is to be stopped."""
        while True:
            match self._next_event():
                case "stop" | "ended":
                    return
                case "reload":
                    self._begin_reload(daemon)
                case "reloaded":
                    self._end_reload(daemon)
                case "ledger":
                    _log_books_now(daemon)
            stuck = [source.name for source in daemon.sources() if source.exhausted]
            if stuck:
                log.error("too many calls into %s are stuck; starting afresh", ", ".join(stuck))
                return
            self._beat(daemon)

    def _next_event(self) -> Event | None:
        try:
            return self._events.get(timeout=self._interval_s)
        except Empty:
            return None

    def _beat(self, daemon: Daemon) -> None:
        """Ping the watchdog when the worker has done a frame lately, or had none to do."""
        stuck = self._telemetry.stuck_reload()
        if stuck and not self._is_stuck:
            log.error("%s", stuck)
        self._is_stuck = stuck is not None
        ping = ("WATCHDOG=1",) if self._telemetry.not_alive() is None else ()
        notify(*ping, self._status_line(daemon))
        if self._page is not None and self._reload is None:
            self._page.try_again()
        if self._minutes.is_due():
            daemon.call(lambda: log.info("last minute: %s", self._minutes.words(daemon.ledgers())))

    def _status_line(self, daemon: Daemon) -> str:
        return status(self._telemetry.summary(daemon))

    def _begin_reload(self, daemon: Daemon) -> None:
        if self._reload is not None:
            self._reload_again = True
            return
        notify(*reloading())
        self._telemetry.reloading(is_so=True)
        # Opening engines takes seconds, and the watchdog waits for nobody.
        self._reload = threading.Thread(
            target=self._reload_now, args=(daemon,), name="reload", daemon=True
        )
        self._reload.start()

    def _reload_now(self, daemon: Daemon) -> None:
        page = self._page
        assert page is not None  # noqa: S101 -- nothing is reloaded before it runs
        try:
            self._telemetry.reloaded = False
            config = self._read(self._path)
            self._sole_use.take(config)
            with page.changing(config):
                todo = daemon.reload(config)
            self._follow(daemon)
            self._status.use(daemon.config)
        except (EdgeError, EnginesError) as error:
            page.reloaded = Reloaded(page.reloaded.number + 1, str(error))
            log.error("the configuration before is kept: %s", error)  # noqa: TRY400 -- no bug
        except Exception as error:
            page.reloaded = Reloaded(page.reloaded.number + 1, f"half-way: {error}")
            log.exception("the reload failed half-way")
        else:
            self._telemetry.reloaded = True
            page.reloaded = Reloaded(page.reloaded.number + 1)
            log.info("reloaded: %s", todo.words)
        self._sole_use.keep(daemon.config)
        self._events.put("reloaded")

    def _end_reload(self, daemon: Daemon) -> None:
        self._reload = None
        self._telemetry.reloading(is_so=False)
        notify("READY=1", self._status_line(daemon))
        if self._reload_again:
            self._reload_again = False
            self._begin_reload(daemon)

    def _end(self, daemon: Daemon) -> int:
        if self._reload is not None:
            self._reload.join(RELOAD_S)
            self._reload.join(self._interval_s)
        self._status.stop()
        sources = daemon.sources()
        failed = daemon.failure is not None or any(source.exhausted for source in sources)
        books = daemon.stop(DRAIN_S)
        self._shadow_log.stop()
        self._history.stop()
        self._status.join(GOODBYE_S)
        imbalances = log_books(books)
        live = {source.name for source in daemon.config.sources if source.uri.is_live}
        unread = [source for source in sources if source.error and source.name not in live]
        return 1 if failed or imbalances or unread or books.lost else 0

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def handle(number: int, _frame: object) -> None:
            self._events.put(SIGNALS[signal.Signals(number)])

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        held = signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            for number, handler in before.items():
                # By default a request that comes too late would end us, in whichever thread.
                signal.signal(number, signal.SIG_IGN if number in REQUESTS else handler)


def _log_books_now(daemon: Daemon) -> None:
    # In the worker, since the telemetry of a frame that is being looked at do not add up yet.
    daemon.call(lambda: log_books(daemon.books()))


def log_books(books: Ledgers) -> list[str]:
    """Write all ledgers to the log; return what does not add up."""
    for source in books.sources:
        log.info("ledger of source %s", source.name, extra={"fields": source.telemetry()})
    for sink in books.sinks:
        log.info("ledger of sink %s", sink.sink, extra={"fields": asdict(sink)})
    imbalances = books.imbalances()
    if imbalances:
        log.error("the ledger does not balance: %s", "; ".join(imbalances))
    else:
        log.info("the ledger balances")
    if books.lost:
        lost = amount(books.lost, "face")
        log.error("%s lost by this process", lost, extra={"fields": {"lost": books.lost}})
    return imbalances
