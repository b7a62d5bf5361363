"""
One arena for the activations of all networks that a process keeps open.

By default each session has an arena of its own, which doubles as it grows and keeps what its
largest input took: MTCNN's three took 123 MB for frames of 1920x1080. Networks that run one after
the other can use the same memory, taken as it is needed: 45 MB for the same frames.
"""

from contextlib import suppress
from functools import cache

import onnxruntime

ARENA = {
    "max_mem": 0,
    "arena_extend_strategy": 1,
    "initial_chunk_size_bytes": 1 << 20,
    "max_dead_bytes_per_chunk": 1 << 20,
}
"""No limit; grows by what is asked for; from 1 MiB; of a larger piece the rest is used, too."""


@cache
def register_arena() -> None:
    """Make the arena, once in a process, for all sessions that `share_arena`."""
    # Whoever uses this package as a library may have registered one, which does as well.
    with suppress(RuntimeError):
        onnxruntime.create_and_register_allocator(
            onnxruntime.OrtMemoryInfo(
                "Cpu",
                onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
                0,
                onnxruntime.OrtMemType.DEFAULT,
            ),
            onnxruntime.OrtArenaCfg(ARENA),
        )


def share_arena(options: onnxruntime.SessionOptions) -> None:
    """Let a session use the arena for activations; weights lie outside, and go when it closes."""
    register_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
