"""
The command line: `edge-gate COMMAND`, also `python -m edge COMMAND`.

Each module of `edge.commands` has `run(arguments) -> exit code`, and the one of the same name in
`edge.commands.arguments` has `add_arguments(parser)`. What the command line says is read without
the libraries that do it, so that `--help` and a mistake are answered at once.
"""

import sys

if __name__ == "__main__":  # before what takes a while to load
    from edge.entry import main as enter

    sys.exit(enter())

import argparse
import difflib
import errno
import gc
import importlib
import io
import os
import re
import signal
from collections.abc import Callable, Sequence
from types import ModuleType

from edge import __version__
from edge.commands import HELD
from edge.entry import EXIT_INTERRUPTED
from edge.errors import ConfigError, EdgeError, UsageError
from edge.printable import say
from engines.errors import EnginesError, PairSignatureError

COMMANDS = {
    "init": "from a camera's address to a configuration that runs, in five minutes",
    "demo": "obtain networks and photographs, run the gate over them, write a report",
    "score": "score the faces of images, videos and folders of them",
    "run": "run the gate over the sources of a configuration: files to their end, cameras for ever",
    "tune": "suggest a threshold from recorded footage, with a report to look at",
    "replay": "what one configuration forwards of recorded footage and another does not",
    "pair": "build, calibrate, inspect and verify engine pairs",
    "models": "list, fetch and locate networks and detectors",
    "evaluate": "measure on your own pairs whether quality tells which comparisons will fail",
    "bench": "time the networks, the detector and the whole frame on this machine",
    "outbox": "show where forwarded faces went, and give dead letters another chance",
    "purge": "delete by age, camera or person what was kept: faces, shadow log, history",
    "check": "check a configuration file, and with --connect cameras, sinks and secrets",
    "doctor": "say what this machine has, what is wrong, and what to run about it",
    "explain": "show each effective setting and where it came from",
    "fleet": "one page of all gates that a broker knows, the worst first",
    "schema": "print the JSON Schema of the configuration for editors",
}
"""Command name (module of `edge.commands`) and its one-line help."""

EXIT_FAILED = 1
EXIT_USAGE = 64
EXIT_CONFIG = 78
EXIT_BROKEN_PIPE = 141
"""As a shell reports SIGPIPE: who read the output has left, as `head` does."""


GROUPS = {
    "start here": ("init", "demo", "score"),
    "run the gate": ("check", "run", "explain", "doctor", "fleet"),
    "choose a threshold": ("tune", "replay", "evaluate"),
    "networks": ("models", "pair", "bench"),
    "what was kept": ("outbox", "purge"),
    "for programs": ("schema",),
}
"""Commands by what one wants to do, in the order of `--help`."""
CHOICE = re.compile(r"invalid choice: '(?P<wrong>.*)' \(choose from (?P<known>.*)\)")


class _Parser(argparse.ArgumentParser):
    """argparse exits with 2 on a wrong command line; sysexits(3) calls that 64."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Complain of words that a command does not know by its own usage, not the program's."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._near(unknown[0])}")
        return known, unknown

    def _near(self, word: str) -> str:
        options = self._option_string_actions if word.startswith("--") else ()
        return _or_else(difflib.get_close_matches(word.partition("=")[0], options, n=1))

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}{_meant(message)}\n")


def _meant(message: str) -> str:
    """Return what a word that argparse does not know may have been meant to be."""
    found = CHOICE.search(message)
    if found is None:
        return ""
    known = [word.strip("'") for word in found["known"].split(", ")]
    return _or_else(difflib.get_close_matches(found["wrong"], known, n=1))


def _or_else(close: Sequence[str]) -> str:
    return f"; did you mean {close[0]}?" if close else ""


def _grouped() -> str:
    """Return all commands with their help, a group after the other."""
    lines: list[str] = []
    for title, names in GROUPS.items():
        lines += [f"{title}:", *(f"  {name:<9} {COMMANDS[name]}" for name in names), ""]
    return "\n".join([*lines, "edge-gate COMMAND --help tells more, with examples."])


def parser_of(named: str | None) -> argparse.ArgumentParser:
    """Return the program's parser, which knows all commands by name and one of them in full."""
    parser = _Parser(
        prog="edge-gate",
        usage="edge-gate [-h] [--version] COMMAND ...",
        description="Forward only the faces worth recognising.",
        epilog=_grouped(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"edge-gate {__version__}")
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="edge-gate", help=argparse.SUPPRESS
    )
    for name, help_text in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            description=help_text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == named:
            importlib.import_module(f"edge.commands.arguments.{name}").add_arguments(subparser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 some inputs failed, 64 usage, 78 config."""
    if argv is None:
        _lead_nowhere()
    words = list(sys.argv[1:] if argv is None else argv)
    named = next((word for word in words if not word.startswith("-")), None)
    # They would end a process that does not listen yet, or any more; a service hears them once it
    # is ready. For good if the process is ours: one that comes last must not be its exit code.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, HELD if named == "run" else ())
    try:
        return _exit_code(named, words, imported if argv is None else importlib.import_module)
    finally:
        if argv is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _lead_nowhere() -> None:
    """
    Open anew what was closed before we began (`2>&-`), so that nobody stumbles over its absence.

    The next file would take its number, and what a library says of its own accord go into that.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
            os.set_inheritable(nowhere, True)
            setattr(sys, name, open(nowhere, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def imported(name: str) -> ModuleType:
    """
    Import what a process does for as long as it lives, and leave it out of collections of garbage.

    A sixth of the import went to look for garbage in what stays for good. Ctrl-C waits so long: a
    library that is interrupted while it is loaded says that it is broken.
    """
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()
        gc.freeze()
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _exit_code(named: str | None, words: Sequence[str], load: Callable[[str], ModuleType]) -> int:
    try:
        return _run(named, words, load)
    except KeyboardInterrupt:
        say("interrupted", sys.stderr)
        return EXIT_INTERRUPTED
    except (ConfigError, PairSignatureError) as error:
        say(error, sys.stderr)
        return EXIT_CONFIG
    except UsageError as error:
        say(f"edge-gate {named}: {error}", sys.stderr)
        return EXIT_USAGE
    except BrokenPipeError:
        _forget_output()
        return EXIT_BROKEN_PIPE
    except (EdgeError, EnginesError, OSError) as error:
        # An OSError that nobody translated still is the machine's, not the program's: a full
        # disk, a missing permission. It names the file.
        say(f"edge-gate {named}: {_words(error)}", sys.stderr)
        return EXIT_FAILED


def _words(error: Exception) -> str:
    """Return an error in words, one of the system without its number."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    if error.filename is None and error.errno == errno.ENOENT:
        return "the folder you are in is gone: change to one that is there"
    named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{named}{error.strerror}"


def _run(named: str | None, words: Sequence[str], load: Callable[[str], ModuleType]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Records are UTF-8 in any locale, and names of files may hold bytes that are not.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    arguments = parser_of(named).parse_args(words)
    code = int(load(f"edge.commands.{arguments.command}").run(arguments))
    sys.stdout.flush()
    return code


def _forget_output() -> None:
    """Let nothing more reach the closed pipe, where Python would fail once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
