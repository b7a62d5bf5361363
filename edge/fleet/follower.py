"""
A gate that takes orders: judged, written into its configuration, reloaded, and answered for.

The order's serial is noted before anything is changed, so that an order counts once at most,
whatever ends the process in between.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from edge.config.delivery import DesiredSettings
from edge.config.edit import replace_text
from edge.config.effective import in_effect
from edge.config.model import Config
from edge.errors import ConfigError, FleetError
from edge.fleet.desired import Desired, objection, trusted_order
from edge.monitoring.status import DesiredAnswer
from edge.page.memory import CameraMemory
from edge.page.page import Reloaded
from edge.page.preview import preview
from edge.page.threshold import ConfigurationFile, Edit
from engines.amounts import amount
from engines.bounded_file import read_bounded
from engines.errors import EnginesError
from engines.pair.signature import is_signed_by
from engines.whole_file import write_whole

log = logging.getLogger(__name__)

LARGEST_NOTE = 1 << 16
"""Bytes of the file that holds the newest order's answer."""
Answered = Literal["observed", "working", "applied", "objected"]


@dataclass(frozen=True, slots=True)
class Gate:
    """What an order may reach."""

    name: str
    """TOPIC/DEVICE."""
    file: ConfigurationFile
    running: Callable[[], Config]
    """The configuration in effect."""
    reload: Callable[[], None]
    """Asks for the file to be read again; returns at once."""
    reloaded: Callable[[], Reloaded]
    """The newest reading of it."""
    memory: Callable[[str], CameraMemory]
    """What is remembered of a camera's faces."""


@dataclass(frozen=True, slots=True)
class _Begun:
    """An order whose reload has not ended."""

    desired: Desired
    edit: Edit
    number: int
    """Of the reload before."""


class Follower:
    """Satisfies the Protocol `Obeys`: heard by one thread, turned by another."""

    def __init__(self, settings: DesiredSettings, gate: Gate, wake: Callable[[], None]) -> None:
        """
        Prepare; nothing is read yet.

        Args:
            settings: Whose orders count, and where the newest is noted.
            gate: What they may reach.
            wake: Called when an order came, to be turned soon.
        """
        self._settings, self._gate, self._wake = settings, gate, wake
        self._lock = threading.Lock()
        self._heard: bytes | None = None
        self._begun: _Begun | None = None
        self._answer: DesiredAnswer | None = None
        self._noted: DesiredAnswer | None = None
        self._is_read = False

    def hear(self, payload: bytes) -> None:
        """Note an order; the newest counts, and an empty one takes it back."""
        with self._lock:
            self._heard = payload or None
        self._wake()

    def turn(self) -> DesiredAnswer | None:
        """Do what there is to do, and return the answer to the newest order."""
        try:
            self._read_note()
            if self._begun is not None:
                self._finish(self._begun)
            elif (payload := self._taken()) is not None:
                self._judge(payload)
        except (FleetError, ConfigError, EnginesError, OSError) as error:
            self._say(None, "objected", str(error))
        return self._answer

    def _taken(self) -> bytes | None:
        with self._lock:
            payload, self._heard = self._heard, None
        return payload

    def _judge(self, payload: bytes) -> None:
        try:
            desired = trusted_order(payload, self._is_signed)
        except ValueError as error:
            self._say(None, "objected", str(error))
            return
        newest = 0 if self._noted is None else self._noted.serial or 0
        if self._noted is not None and desired.serial == newest:
            self._answer = self._noted  # retained, and told again with each connection
            return
        problem = objection(desired, self._gate.name, newest, datetime.now(timezone.utc))
        if problem is not None:
            self._say(desired.serial, "objected", problem)
            return
        self._note(desired.serial, "objected", "was interrupted: the gate ended before it was done")
        try:
            self._obey(desired)
        except (ConfigError, EnginesError, OSError) as error:
            self._note(desired.serial, "objected", str(error))

    def _obey(self, desired: Desired) -> None:
        edit = self._gate.file.edit_all(self._gate.running(), desired.camera, desired.threshold)
        if desired.phase == "observe":
            words = "; ".join(filter(None, [edit.words, *self._seen(desired)]))
            self._note(desired.serial, "observed", f"would change: {words}")
            return
        if edit.before == edit.after:
            self._note(desired.serial, "applied", f"was {desired.threshold:g} already")
            return
        number = self._gate.reloaded().number
        edit.write()
        log.warning("an order over the broker set the threshold to %g", desired.threshold)
        self._begun = _Begun(desired, edit, number)
        self._say(desired.serial, "working", edit.words)
        self._gate.reload()

    def _finish(self, begun: _Begun) -> None:
        reloaded, desired = self._gate.reloaded(), begun.desired
        if reloaded.number == begun.number:
            return
        self._begun = None
        if reloaded.problem is None and self._is_in_effect(desired):
            self._note(desired.serial, "applied", begun.edit.words)
            return
        replace_text(begun.edit.path, begun.edit.after, begun.edit.before)
        self._gate.reload()
        problem = reloaded.problem or "something else changed the file meanwhile"
        self._note(desired.serial, "objected", f"it was taken back: {problem}")

    def _is_in_effect(self, desired: Desired) -> bool:
        config = self._gate.running()
        return all(
            in_effect(config, source).faces.threshold == desired.threshold
            for source in config.sources
            if desired.camera in (None, source.name)
        )

    def _seen(self, desired: Desired) -> list[str]:
        config, memory = self._gate.running(), self._gate.memory
        return [
            seen_words(
                memory(source.name),
                source.name,
                in_effect(config, source).faces.threshold,
                desired.threshold,
            )
            for source in config.sources
            if desired.camera in (None, source.name)
        ]

    def _is_signed(self, body: bytes, signature: bytes) -> bool:
        return is_signed_by(body, signature, self._settings.key)

    def _say(self, serial: int | None, answer: Answered, words: str) -> None:
        now = datetime.now(timezone.utc)
        self._answer = DesiredAnswer(serial=serial, answer=answer, words=words, time=now)
        log.info("an order over the broker: %s: %s", answer, words)

    def _note(self, serial: int, answer: Answered, words: str) -> None:
        self._say(serial, answer, words)
        self._noted = self._answer
        assert self._noted is not None  # noqa: S101 -- just said
        write_whole(self._settings.newest, self._noted.model_dump_json().encode())

    def _read_note(self) -> None:
        if not self._is_read:
            self._answer = self._noted = read_note(self._settings.newest)
            self._is_read = True


def seen_words(memory: CameraMemory, camera: str, now: float | None, then: float) -> str:
    """
    Return what a camera's faces seen last say of another threshold.

    Args:
        memory: Of the camera.
        camera: Its name.
        now: The threshold in effect; None where it decides nothing.
        then: The one to try.
    """
    found = preview(memory.assessed(), memory.people(), now or 0.0, then)
    if not found.faces:
        return f"{camera} has seen no face yet to try it on"
    words = (
        f"{camera}: {found.then.faces} of {amount(found.faces, 'face')} seen last reach {then:g}"
    )
    return words if now is None else f"{words}, {found.now.faces} reach {now:g}"


def read_note(path: Path) -> DesiredAnswer | None:
    """
    Return the answer to the newest order; None before the first.

    Raises:
        FleetError: The file cannot be read, so that no order can be told from an old one.
    """
    if not path.exists():
        return None
    try:
        return DesiredAnswer.model_validate_json(read_bounded(path, LARGEST_NOTE, EnginesError))
    except (ValidationError, EnginesError) as error:
        raise FleetError(
            f"{path}: the note of the newest order cannot be read, so that no order counts; delete "
            "it once no older order can be on the broker any more (they expire within a day)"
        ) from error
