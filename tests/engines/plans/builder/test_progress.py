"""Nested phases are drawn as nested bars and taken away again."""

import io
import threading

from rich.console import Console
from rich.progress import Progress

from engines.plans.builder.progress import PhaseBars, progress_monitor
from tests.engines.tensorrt.fake_tensorrt import fake_tensorrt


def bars_and_progress() -> tuple[PhaseBars, Progress]:
    progress = Progress(console=Console(file=io.StringIO()), auto_refresh=False)
    return PhaseBars(progress, "dense"), progress


def test_a_phase_is_indented_below_its_parent():
    bars, progress = bars_and_progress()
    bars.start("Building engine", None, 6)
    bars.start("Timing tactics", "Building engine", 3)
    shown = [task.description for task in progress.tasks]
    assert shown == ["dense: Building engine", "  Timing tactics"]


def test_steps_count_from_zero():
    bars, progress = bars_and_progress()
    bars.start("Timing tactics", None, 3)
    bars.step("Timing tactics", 2)
    assert progress.tasks[0].finished


def test_two_phases_of_one_name_are_two_bars():
    bars, progress = bars_and_progress()
    bars.start("Reformat", None, 1)
    bars.start("Reformat", None, 1)
    bars.finish("Reformat")
    assert len(progress.tasks) == 1


def test_a_phase_nobody_started_is_ignored():
    bars, progress = bars_and_progress()
    bars.step("unknown", 1)
    bars.finish("unknown")
    assert progress.tasks == []


def test_what_a_cancelled_build_left_open_is_taken_away():
    bars, progress = bars_and_progress()
    bars.start("Building engine", None, 6)
    bars.close()
    assert progress.tasks == []


def test_the_monitor_says_go_on_until_cancelled():
    bars, _ = bars_and_progress()
    cancelled = threading.Event()
    monitor = progress_monitor(fake_tensorrt("10.3.0"), bars, cancelled)
    monitor.phase_start("Building engine", None, 2)
    answers = [monitor.step_complete("Building engine", 0)]
    cancelled.set()
    answers.append(monitor.step_complete("Building engine", 1))
    assert answers == [True, False]
