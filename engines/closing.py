"""What is opened can be closed by `with`."""

from types import TracebackType
from typing import TypeVar

Opened = TypeVar("Opened", bound="Closing")


class Closing:
    """Base of what holds a library's memory until it is closed."""

    def close(self) -> None:
        """Release everything; safe to call twice."""
        raise NotImplementedError

    def __enter__(self: Opened) -> Opened:  # noqa: PYI019 -- Self is not in Python 3.10
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
