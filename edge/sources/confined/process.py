"""
The process of one network camera: opens it, once, and hands its pictures to the gate.

It may hold so much memory beyond what it starts with, and no more: what a hostile stream makes a
library allocate fails here, or ends this process, and touches nobody else.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import cv2

from edge.config.source import SourceSettings
from edge.config.uri import SourceUri
from edge.errors import EdgeError, LoginRefusedError
from edge.samples import Damaged, Frame, Passed
from edge.sources.confined.messages import DAMAGED, PASSED, READY, failed, picture
from edge.sources.confined.pictures import PLACES, SharedPictures
from edge.sources.decoding.choice import has_device
from edge.sources.decoding.demand import Demand
from edge.sources.ffmpeg import NetworkCamera

MEMORY_BYTES = 384_000_000
"""Beyond what it starts with: 4K in H.265 takes 190 MB, 12 million pixels 300."""
GSTREAMER_BYTES = 384_000_000
"""And where GStreamer may decode, which holds more pictures: 4K in H.265 takes 350 MB with it."""
FIRST_TO_GO = "1000"
"""When memory ends all the same, the kernel ends this process before the gate."""
_PR_SET_PDEATHSIG = 1


def main(parent: int, channel: int, memory: int) -> None:
    """
    Serve one opening of a camera; what it is comes first through the channel.

    Args:
        parent: Number of the process that this one was forked from.
        channel: Descriptor of a socket.
        memory: Descriptor from `pictures.created`.
    """
    _die_with(parent)
    with suppress(OSError):  # some containers do not let it
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO, encoding="ascii")
    cv2.setNumThreads(1)
    with Connection(channel) as gate, suppress(BrokenPipeError, ConnectionResetError, EOFError):
        settings, uri = gate.recv()
        pictures = SharedPictures(memory)
        limit_memory(allowed(settings))
        gate.send_bytes(READY)
        gate.send_bytes(_served(settings, uri, gate, pictures))
        while gate.recv_bytes():  # until the gate has read everything, and closes
            pass


def _served(
    settings: SourceSettings, uri: SourceUri, gate: Connection, pictures: SharedPictures
) -> bytes:
    """Hand pictures over; return the message that says why there are no more of them."""
    try:
        camera = NetworkCamera(settings, lambda: uri, demand=Demand(pictures.due))
        with closing(camera.frames()) as frames:  # says goodbye to the camera
            _hand_over(frames, gate, pictures)
    except (BrokenPipeError, ConnectionResetError, EOFError):
        raise
    except LoginRefusedError as error:
        return failed(str(error), "login refused")
    except EdgeError as error:
        return failed(str(error))
    except MemoryError:
        more = allowed(settings) // 10**6
        return failed(f"{uri}: its pictures need more memory than {more} MB")
    except Exception as error:  # noqa: BLE001 -- its words may hold the address with the password
        return failed(f"{uri}: {type(error).__name__} while it was read")
    return failed(f"{uri}: the stream has ended")


def _hand_over(
    frames: Iterator[Frame | Damaged | Passed], gate: Connection, pictures: SharedPictures
) -> None:
    free = list(range(PLACES))
    for frame in frames:
        if not isinstance(frame, Frame):
            gate.send_bytes(DAMAGED if isinstance(frame, Damaged) else PASSED)
            continue
        while not free or gate.poll():
            free.append(gate.recv_bytes()[0])
        place = pictures.put(free.pop(), frame.pixels)
        gate.send_bytes(picture(place, frame.time_s))


def allowed(settings: SourceSettings) -> int:
    """Return how many bytes the process of a camera may allocate beyond what it starts with."""
    may_load = settings.decoder == "gstreamer" or (settings.decoder == "auto" and has_device())
    return MEMORY_BYTES + (GSTREAMER_BYTES if may_load else 0)


def limit_memory(beyond: int) -> None:
    """Let this process allocate so many bytes more; not counted are files and shared memory."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    held = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))
    resource.setrlimit(resource.RLIMIT_DATA, (held + beyond, held + beyond))


def _die_with(parent: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has gone before
        sys.exit(1)
