"""
Give freed memory back to the system.

The C library keeps what was freed below memory still in use, for later: after a session of a
network of 175 MB that is 350 MB, which a second session cannot always reuse.
"""

import ctypes
import gc


def trim_heap() -> None:
    """Collect garbage and return free pages to the system; does nothing where glibc is not used."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
