"""
How the C library keeps memory, and how what was freed goes back to the system.

It keeps what was freed below memory still in use, for later: after a session of a network of
175 MB that is 350 MB, which a second session cannot always reuse.
"""

import ctypes
import gc
import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of mallopt(3)."""
LARGE_BYTES = 8_000_000
"""From this size on a piece is a mapping of its own: a frame of 2560x1440 (11 MB), and no 1080p."""
KEPT_BYTES = 16_000_000
"""
So much freed memory at a heap's end is kept for the next frame, which takes as much again. glibc
keeps 128 KiB once M_MMAP_THRESHOLD is set: then all that a frame needs is zeroed by the system
anew, 3,000 page faults and 6 ms for 1920x1080.
"""
ARENAS = 2
OWN_CHOICE = ("MALLOC_", "GLIBC_TUNABLES")
"""Environment variables by which the operator decides instead."""


def keep_heap_small() -> None:
    """
    Keep freed memory for the next frame and no more; in a process that runs for months.

    glibc, left alone, takes the first frames that are freed as a reason to put all later ones into
    its heaps, one for each thread up to eight a processor, where smaller pieces hold them in place.
    Does nothing where glibc is not used, or where the environment says how.
    """
    if any(name.startswith(OWN_CHOICE) for name in os.environ):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_ARENA_MAX, ARENAS)


def trim_heap() -> None:
    """Collect garbage and return free pages to the system; does nothing where glibc is not used."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
