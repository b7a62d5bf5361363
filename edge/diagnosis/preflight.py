"""Findings about what the program stands on here, before it runs: Python, cameras, memory."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from edge.config.source import SourceSettings
from edge.diagnosis.doctor import Finding, State
from edge.errors import SourceError
from edge.sources.decoding.choice import choices
from edge.sources.decoding.elements import CODECS, DecoderChoice
from edge.sources.decoding.library import PACKAGES, load_gstreamer
from edge.sources.gstreamer import csi_pipeline
from engines.build.memory import free_bytes, memory_text, needed_for
from engines.errors import EnginesError
from engines.pair.manifest import read_manifest

PYTHONS = ((3, 10), (3, 13))
"""The oldest and the newest, as pyproject.toml says."""
OLDEST_PIP = 23
"""One before makes an empty package UNKNOWN of this project with the system's old setuptools."""

VIDEO, JPEG = frozenset(("h264", "hevc")), ("mjpeg",)
"""What network cameras and recordings are made of, and USB cameras; FFmpeg's names."""
DECODER_MISSING = f"sudo apt-get install -y {PACKAGES} gstreamer1.0-libav; or set decoder: auto"
"""The last package decodes H.264 and H.265 on the processor, which the others do not."""


def python_findings(
    python: tuple[int, int] = sys.version_info[:2], versions: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """
    Yield whether this Python runs the program, and whether its pip could install it.

    Args:
        python: Major and minor version.
        versions: Of pip and setuptools, where they are installed; None looks.
    """
    text = f"{python[0]}.{python[1]}"
    if PYTHONS[0] <= python <= PYTHONS[1]:
        yield Finding("Python", "ok", text)
    else:
        remedy = "sudo apt-get install python3.12; then make install PYTHON=/usr/bin/python3.12"
        yield Finding("Python", "problem", f"{text}, where 3.10 to 3.13 is needed", remedy)
    here = _installed() if versions is None else versions
    told = " with ".join(f"{name} {version}" for name, version in here.items())
    if "pip" not in here:
        text = "not here; 'models fetch' and 'pair build' obtain files through it"
        yield Finding("pip", "note", text, "sudo apt-get install python3-pip")
    elif int(here["pip"].partition(".")[0]) < OLDEST_PIP:
        text = f"{told}: too old to install this, it comes out as UNKNOWN-0.0.0"
        remedy = "make deb, or make install; in a venv: python -m pip install --upgrade pip"
        yield Finding("pip", "note", text, remedy)
    else:
        yield Finding("pip", "ok", told)


def decoder_findings(sources: Sequence[SourceSettings]) -> Iterator[Finding]:
    """
    Yield what would decode the pictures of the sources here; nothing is opened.

    A source of which a finding is a problem gives no picture: `doctor` tells it, and by it
    `check --prove` refuses a configuration.

    Args:
        sources: Those that are decoded alike are told together.
    """
    yield from _csi_findings([source for source in sources if source.uri.scheme == "csi"])
    asked = dict[tuple[DecoderChoice, tuple[str, ...]], list[str]]()
    for source in sources:
        if source.uri.scheme != "csi":
            codecs = JPEG if source.uri.scheme == "v4l2" else tuple(CODECS)
            asked.setdefault((source.decoder, codecs), []).append(source.name)
    for (choice, codecs), names in asked.items():
        yield _decoder_finding(f"decoder of {', '.join(names)}", choice, codecs)


def _decoder_finding(topic: str, choice: DecoderChoice, codecs: tuple[str, ...]) -> Finding:
    try:
        taken = dict(zip(codecs, choices(choice, codecs), strict=True))
    except SourceError as error:
        return _unloaded(topic, error)
    text = ", ".join(f"{each.words} by {each.decoder or 'nothing'}" for each in taken.values())
    missing = {codec for codec, each in taken.items() if not each.decoder}
    if not missing:
        here = any(each.is_hardware for each in taken.values())
        where = "in hardware where not FFmpeg's" if here else "no hardware"
        return Finding(topic, "ok", f"{choice}: {text} ({where})")
    # Which of them a camera sends is not known before it is asked.
    state: State = "problem" if missing.issuperset(VIDEO & taken.keys() or JPEG) else "note"
    return Finding(topic, state, f"{choice}: {text}", DECODER_MISSING)


def _csi_findings(sources: Sequence[SourceSettings]) -> Iterator[Finding]:
    needed = {element for source in sources for element in _elements(csi_pipeline(source))}
    if not needed:
        return
    try:
        library = load_gstreamer()
    except SourceError as error:
        yield _unloaded("GStreamer", error)
        return
    missing = sorted(name for name in needed if not library.has(name))
    if not missing:
        yield Finding("GStreamer", "ok", f"has {', '.join(sorted(needed))}")
    for name in missing:
        nvidias = name.startswith("nv")
        remedy = f"sudo apt-get install -y {'nvidia-l4t-gstreamer' if nvidias else PACKAGES}"
        yield Finding("GStreamer", "problem", f"has no element {name}", remedy)


def _unloaded(topic: str, error: SourceError) -> Finding:
    what, _, remedy = str(error).partition("; ")
    return Finding(topic, "problem", what, remedy)


def memory_findings(
    folder: Path, builds_here: bool, meminfo: Path = Path("/proc/meminfo")
) -> Iterator[Finding]:
    """
    Yield whether there is memory to build a pair's network here, with plans or anew.

    Args:
        folder: The pair's; without a manifest there is nothing to say.
        builds_here: Whether that is likely, so that too little is a problem and not only a fact.
        meminfo: Another file in tests.
    """
    try:
        manifest = read_manifest(folder)
        weights = max((folder / each.name).stat().st_size for each in manifest.files.values())
    except (EnginesError, OSError):
        return  # told by the finding of the pair
    needed, free = needed_for(weights), free_bytes(meminfo)
    short = free is not None and free < needed
    yield Finding(
        f"memory for {manifest.network.name}",
        ("problem" if builds_here else "note") if short else "ok",
        memory_text(needed, free).removeprefix("warning: "),
        "stop other programs, the desktop above all: sudo systemctl isolate multi-user.target"
        if short
        else "",
    )


def _installed() -> dict[str, str]:
    found = ((name, list(metadata.distributions(name=name))) for name in ("pip", "setuptools"))
    return {name: here[0].version for name, here in found if here}


def _elements(pipeline: str) -> set[str]:
    """Return the elements of a pipeline's text and of its end; what has a slash is a format."""
    heads = (part.split()[0] for part in pipeline.split("!"))
    return {head.partition("(")[0] for head in heads if "/" not in head} | {"appsink"}
