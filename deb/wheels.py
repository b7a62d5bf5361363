"""
Obtain the wheels that a Debian package carries: for its target's Python and processor, not ours.

    python deb/wheels.py --python 3.10 --machine aarch64 --into FOLDER PROGRAM.whl
    python deb/wheels.py --python 3.10 --machine aarch64 --words

pip downloads for another interpreter, but judges the markers of requirements by the one that it
runs in. So requirements are followed here, and pip is told the pinned version of each.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

GLIBC = {"3.10": 35, "3.11": 36, "3.12": 39}
"""Minor version of glibc 2 on Ubuntu 22.04, Debian 12 and Ubuntu 24.04, whose Python that is."""

Target = Mapping[str, str]
"""The environment of PEP 508, in which markers are judged."""


def target(python: str, machine: str) -> Target:
    """Return the environment of a Linux with this Python (`3.10`) and processor (`aarch64`)."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
        "extra": "",
    }


def pins(lines: Iterable[str], environment: Target) -> dict[str, str]:
    """Return for each name the one version that a constraints file pins for a target."""
    wanted = (Requirement(line) for line in lines if line.strip() and not line.startswith("#"))
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if _holds(each, environment)
    }


def needed(wheel: Path, environment: Target) -> Iterator[Requirement]:
    """
    Yield what a wheel requires on the target.

    Raises:
        SystemExit: It requires an extra, which is not followed here.
    """
    for requirement in map(Requirement, _metadata(wheel).get_all("Requires-Dist", [])):
        if _holds(requirement, environment):
            if requirement.extras:
                sys.exit(f"{wheel.name} requires {requirement}: extras are not followed")
            yield requirement


def missing(wheels: Iterable[Path], known: Mapping[str, str], environment: Target) -> set[str]:
    """
    Return as `name==version` what wheels require and is not among them.

    Raises:
        SystemExit: It is not pinned, or another version than the wheel can do with.
    """
    here = list(wheels)
    names = {canonicalize_name(each.name.split("-")[0]) for each in here}
    lacking = set()
    for wheel in here:
        for requirement in needed(wheel, environment):
            name = canonicalize_name(requirement.name)
            version = known.get(name)
            if version is None or not requirement.specifier.contains(version, prereleases=True):
                sys.exit(f"{wheel.name} requires {requirement}; constraints.txt pins {version}")
            if name not in names:
                lacking.add(f"{name}=={version}")
    return lacking


def download_words(environment: Target) -> list[str]:
    """Return what tells pip for which machine to download."""
    python, machine = environment["python_version"], environment["platform_machine"]
    tag = f"cp{python.replace('.', '')}"
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[python], 16, -1)]
    words = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    words += [f"--abi={abi}" for abi in (tag, "abi3", "none")]
    return words + [f"--platform={each}" for each in (*tags, f"manylinux2014_{machine}")]


def strangers(wheels: Iterable[Path], hashed: str) -> list[str]:
    """
    Return the names of wheels whose SHA-256 is not pinned.

    Args:
        wheels: Downloaded, none of their code run.
        hashed: The text of install/requirements.txt.
    """
    known = set(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", hashed))
    digests = ((each.name, hashlib.sha256(each.read_bytes()).hexdigest()) for each in wheels)
    return sorted(name for name, digest in digests if digest not in known)


def obtain(program: Path, into: Path, known: Mapping[str, str], environment: Target) -> None:
    """Download what a wheel requires, and what that requires, until nothing is missing."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    words = [*pip, "download", "--no-deps", "--dest", str(into), *download_words(environment)]
    while lacking := missing((program, *into.glob("*.whl")), known, environment):
        subprocess.run([*words, *sorted(lacking)], check=True)


def main() -> None:
    """Fill a folder with wheels."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path, nargs="?")
    parser.add_argument("--python", choices=GLIBC, required=True)
    parser.add_argument("--machine", choices=("x86_64", "aarch64"), required=True)
    parser.add_argument("--constraints", type=Path, default=Path("constraints.txt"))
    parser.add_argument("--hashes", type=Path, default=Path("install/requirements.txt"))
    parser.add_argument("--into", type=Path)
    parser.add_argument("--words", action="store_true", help="print pip's options for the target")
    arguments = parser.parse_args()
    environment = target(arguments.python, arguments.machine)
    if arguments.words:
        print("\n".join(download_words(environment)))
        return
    lines = arguments.constraints.read_text(encoding="utf-8").splitlines()
    obtain(arguments.wheel, arguments.into, pins(lines, environment), environment)
    unknown = strangers(arguments.into.glob("*.whl"), arguments.hashes.read_text(encoding="utf-8"))
    if unknown:
        sys.exit(f"{', '.join(unknown)}: other hashes than in {arguments.hashes}: 'make hashes'")


def _holds(requirement: Requirement, environment: Target) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(dict(environment))


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


if __name__ == "__main__":
    main()
