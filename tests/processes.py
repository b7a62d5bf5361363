"""What Linux tells of processes, by proc(5)."""

import os
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and that these have."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return [one for child in children for one in (child, *descendants(child))]


def processor_s(pid: int) -> float:
    """Return the processor time of a process so far, without that of its children."""
    return sum(_times_s(pid)[:2])


def all_processor_s(pid: int) -> float:
    """Return that of a process and of all it has started so far, ended or not."""
    return sum(map(_with_ended_s, [pid, *descendants(pid)]))


def _with_ended_s(pid: int) -> float:
    try:
        return sum(_times_s(pid))
    except OSError:  # it has ended meanwhile, and now counts with its parent
        return 0.0


def _times_s(pid: int) -> list[float]:
    """Return utime, stime, and those of ended children."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    return [int(each) / os.sysconf("SC_CLK_TCK") for each in ticks]


def own_processor_s() -> float:
    """Return that of this process and of those it has started, so far."""
    own = os.getpid()
    return sum(map(processor_s, [own, *descendants(own)]))
