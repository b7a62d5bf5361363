"""Do something in a process of its own, so that all of its memory goes when it is done."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from engines.errors import BackendError, EnginesError

Result = TypeVar("Result")


def in_own_process(what: str, function: Callable[..., Result], *arguments: Any) -> Result:
    """
    Return what a function returns that runs in a fresh interpreter; Ctrl-C ends it at once.

    Args:
        what: In words, for the error.
        function: Of a module, with values that can be pickled.
        arguments: Its own.

    Raises:
        EnginesError: What the function raised.
        BackendError: The process ended without an answer, or the kernel killed it.
    """
    context = multiprocessing.get_context("spawn")  # a fork would share this process's memory
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sending, function, arguments))
    process.start()
    sending.close()
    try:
        answer = receiving.recv()
    except EOFError:
        process.join()
        raise BackendError(f"the process {what} {_ending(process.exitcode)}") from None
    finally:
        process.kill()
        process.join()
        receiving.close()
    if isinstance(answer, EnginesError):
        raise answer
    return answer


def _answer(sending: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it too, and ends this process
    try:
        answer = function(*arguments)
    except EnginesError as error:
        answer = error
    sending.send(answer)


def _ending(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return (
            "was killed, as the kernel does where memory runs out: close other programs or add swap"
        )
    return f"ended without an answer (exit code {code}); its own words stand above"
