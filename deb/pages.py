"""
Print pages of the Debian package, made of what the program and its libraries say of themselves.

    python deb/pages.py man VERSION > edge-gate.1
    python deb/pages.py copyright FOLDER_OF_LIBRARIES > copyright
"""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from edge.__main__ import COMMANDS, parser_of

COPYRIGHT = """\
edge-gate is free software under the Apache License, Version 2.0. On Debian
systems its text is in /usr/share/common-licenses/Apache-2.0.

The package carries these Python libraries as their authors publish them, each
under its own licence. The texts, also those of the libraries within them, are
in the folders NAME-VERSION.dist-info of /usr/lib/edge-gate.

"""


def man(version: str) -> Iterator[str]:
    """Yield the lines of the manual page: the help of the program, then of each command."""
    yield f'.TH EDGE-GATE 1 "" "edge-gate {version}" "User Commands"'
    yield from (".SH NAME", "edge\\-gate \\- forward only the faces worth recognising")
    yield from (".SH SYNOPSIS", ".B edge\\-gate", ".I COMMAND", "[...]", ".SH COMMANDS", ".nf")
    yield from map(_escaped, _help().splitlines())
    for name in COMMANDS:
        yield from (".fi", f".SH {_escaped(f'edge-gate {name}').upper()}", ".nf")
        yield from map(_escaped, _help(name).splitlines())
    yield from (".fi", ".SH FILES", ".nf", "/etc/edge\\-gate/gate.yaml", "/var/lib/edge\\-gate")
    yield from ("/usr/share/doc/edge\\-gate/service.md", ".fi")


def licences(folder: Path) -> Iterator[str]:
    """Yield a line for each library in a folder: name, version, licence."""
    found = sorted(distributions(path=[str(folder)]), key=lambda each: each.name.lower())
    for each in found:
        if each.name != "edge-gate":
            yield f"  {each.name} {each.version}: {_licence(each)}"


def _licence(library: Distribution) -> str:
    metadata = library.metadata
    fields = metadata.json
    stated = str(fields.get("license_expression") or fields.get("license") or "")
    classes = [
        each.rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier", [])
        if each.startswith("License ::")
    ]
    # Some put the whole text where its name belongs.
    return stated if 0 < len(stated) < 100 and "\n" not in stated else ", ".join(classes)


def _help(*words: str) -> str:
    os.environ["COLUMNS"] = "78"
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        parser_of(words[0] if words else None).parse_args([*words, "--help"])
    return said.getvalue()


def _escaped(line: str) -> str:
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{line}" if line.startswith((".", "'")) else line


if __name__ == "__main__":
    if sys.argv[1] == "man":
        print("\n".join(man(sys.argv[2])))
    else:
        print(COPYRIGHT + "\n".join(licences(Path(sys.argv[2]))))
