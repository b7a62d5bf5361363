"""A threshold for many gates: tried on all of them, then set gate by gate, up to an objection."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal, TypeAlias

from edge.errors import FleetError
from edge.fleet.desired import Desired, order_bytes
from edge.fleet.gates import HeardGate
from edge.fleet.watch import FleetWatch
from edge.monitoring.status import DesiredAnswer
from edge.sinks.mqtt_terms import Message
from engines.amounts import amount

SETTLE_S = 2.0
"""After the first gate, for the others: what is retained comes at once."""
VALID = timedelta(hours=1)
"""A gate that comes back later does not obey any more."""
Known: TypeAlias = Sequence[DesiredAnswer | None]
"""Answers that were there before an order."""
FINAL = ("observed", "applied", "objected")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be rolled out."""

    threshold: float
    """Quality score in [0, 100]."""
    camera: str | None = None
    """The only camera of each gate; None means all."""
    gates: tuple[str, ...] = ()
    """Names, whole or their last level; none means every gate that is heard."""
    dry_run: bool = False
    """Only ask what it would change."""
    within_s: float = 120.0
    """Seconds to wait for each gate's answer."""


class Rollout:
    """One run of `edge-gate fleet set`."""

    def __init__(
        self,
        watch: FleetWatch,
        plan: Plan,
        sign: Callable[[bytes], bytes],
        say: Callable[[str], None],
    ) -> None:
        """
        Prepare.

        Args:
            watch: Listens to the gates; not connected yet.
            plan: What is to be done.
            sign: Returns the owner's signature.
            say: Told each step in a line.
        """
        self._watch, self._plan, self._sign, self._say = watch, plan, sign, say

    def run(self) -> None:
        """
        Try it on all gates, then set it gate by gate.

        Raises:
            FleetError: A gate is unknown, objects, or does not answer; those after it are left as
                they are.
        """
        self._watch.connect()
        names = self._names()
        for name in names:
            self._tell(name, "observe", "nothing was changed anywhere")
        if self._plan.dry_run:
            self._say(f"dry run: nothing was changed at {amount(len(names), 'gate')}")
            return
        for number, name in enumerate(names):
            done = ", ".join(names[:number]) or "none"
            self._tell(name, "apply", f"changed so far: {done}; left alone: the rest")

    def _names(self) -> list[str]:
        self._watch.wait(self._are_all_there, self._plan.within_s if self._plan.gates else 10.0)
        self._watch.wait(lambda _: False, SETTLE_S)
        heard = {gate.name: gate for gate in self._watch.gates() if gate.status is not None}
        if not heard:
            raise FleetError(self._watch.nothing_heard())
        wanted = [_meant(name, list(heard)) for name in self._plan.gates] or sorted(heard)
        for name in wanted:
            if heard[name].is_online is False:
                raise FleetError(
                    f"{name} is offline: nothing was changed anywhere; start it, or name the "
                    "others with --gate"
                )
        return list(dict.fromkeys(wanted))

    def _are_all_there(self, gates: list[HeardGate]) -> bool:
        names = [gate.name for gate in gates if gate.status is not None]
        if not self._plan.gates:
            return bool(names)
        return all(any(_is_meant(each, name) for name in names) for each in self._plan.gates)

    def _tell(self, name: str, phase: Literal["observe", "apply"], otherwise: str) -> None:
        serial = self._next_serial(name)
        desired = Desired(
            gate=name,
            serial=serial,
            expires=datetime.now(timezone.utc) + VALID,
            phase=phase,
            threshold=self._plan.threshold,
            camera=self._plan.camera,
        )
        known = [_answer_of(gate) for gate in self._watch.gates()]
        payload = order_bytes(desired, self._sign)
        self._watch.publish(Message(f"{name}/desired", payload, retain=True))
        answer = self._answer(name, serial, known)
        if answer is None:
            self._take_back(name)
            raise FleetError(f"{name} does not answer: {SILENCE.format(name)}; {otherwise}")
        self._say(f"{name}: {answer.answer}: {answer.words}")
        if answer.answer == "objected":
            self._take_back(name)
            raise FleetError(f"{name} objects: {answer.words}; {otherwise}")

    def _take_back(self, name: str) -> None:
        """Leave no order on the broker that the gate could obey later."""
        self._watch.publish(Message(f"{name}/desired", b"", retain=True))

    def _next_serial(self, name: str) -> int:
        known = (_answer_of(gate) for gate in self._watch.gates() if gate.name == name)
        before = max((each.serial or 0 for each in known if each is not None), default=0)
        return max(before + 1, time.time_ns() // 1_000_000)

    def _answer(self, name: str, serial: int, known: Known) -> DesiredAnswer | None:
        found: list[DesiredAnswer] = []

        def is_answered(gates: list[HeardGate]) -> bool:
            for gate in gates:
                answer = _answer_of(gate)
                if gate.name == name and answer is not None and _fits(answer, serial, known):
                    found.append(answer)
                    return True
            return False

        self._watch.wait(is_answered, self._plan.within_s)
        return found[-1] if found else None


SILENCE = (
    "does its sink have 'desired:' with the public key, and does the broker let it read {}/desired?"
)


def _fits(answer: DesiredAnswer, serial: int, known: Known) -> bool:
    """Tell whether an answer is to our order; one that was not believed has no serial."""
    if answer.serial == serial:
        return answer.answer in FINAL
    return answer.serial is None and answer not in known


def _answer_of(gate: HeardGate) -> DesiredAnswer | None:
    return None if gate.status is None else gate.status.desired


def _is_meant(wanted: str, name: str) -> bool:
    return wanted in (name, name.rpartition("/")[2])


def _meant(wanted: str, names: Sequence[str]) -> str:
    found = [name for name in names if _is_meant(wanted, name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise FleetError(f"--gate {wanted} is the name of several: {', '.join(sorted(found))}")
    raise FleetError(f"no gate {wanted} is heard; there are {', '.join(sorted(names))}")
