"""Who answers: somebody at a terminal, or the flags and defaults of a script."""

import getpass
from typing import Protocol

from edge.errors import UsageError


class Questions(Protocol):
    """Each question names the flag that answers it too."""

    def text(self, question: str, flag: str, default: str | None = None) -> str:
        """
        Return an answer, the default for an empty one.

        Raises:
            UsageError: Nobody answers, and there is no default.
        """

    def secret(self, question: str, flag: str) -> str:
        """Return an answer that is not shown; errors as `text`."""

    def hidden(self, question: str, flag: str) -> str:
        """Return an answer that is not shown, empty where there is none."""

    def sure(self, question: str, flag: str, *, default: bool) -> bool:
        """Return yes or no."""


class Terminal:
    """Asks on standard output and reads standard input."""

    def text(self, question: str, flag: str, default: str | None = None) -> str:
        """Ask until there is an answer."""
        shown = f" [{default}]" if default else ""
        while True:
            try:
                answer = input(f"{question}{shown}: ").strip()
            except EOFError:
                raise UsageError(f"{question}? nobody answered; give {flag}") from None
            if answer or default is not None:
                return answer or default or ""

    def secret(self, question: str, flag: str) -> str:
        """Ask without an echo."""
        try:
            return getpass.getpass(f"{question}: ")
        except EOFError:
            raise UsageError(f"{question}? nobody answered; give {flag}") from None

    def hidden(self, question: str, flag: str) -> str:
        """Ask without an echo."""
        return self.secret(question, flag)

    def sure(self, question: str, flag: str, *, default: bool) -> bool:
        """Ask until the answer is yes or no."""
        while True:
            answer = self.text(f"{question} ({'Y/n' if default else 'y/N'})", flag, "").lower()
            if answer in ("", "y", "yes", "n", "no"):
                return default if not answer else answer.startswith("y")


class Unattended:
    """Takes defaults; what has none must have been given by its flag."""

    def text(self, question: str, flag: str, default: str | None = None) -> str:
        """Return the default."""
        if default is None:
            raise UsageError(f"{question}? nobody is there to answer; give {flag}")
        return default

    def secret(self, question: str, flag: str) -> str:
        """Refuse: no secret has a default."""
        return self.text(question, flag)

    def hidden(self, question: str, flag: str) -> str:  # noqa: ARG002 -- Questions
        """Return nothing."""
        return ""

    def sure(self, question: str, flag: str, *, default: bool) -> bool:  # noqa: ARG002 -- Questions
        """Return the default."""
        return default
