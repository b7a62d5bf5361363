"""The entry of a network of the user's own, proposed: read from its graph, tried, or assumed."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from rich.progress import Progress

from engines.amounts import amount
from engines.build.input_forms import (
    TriedForms,
    common_forms,
    number_text,
    try_forms,
)
from engines.catalogue.catalogue import entry_beside
from engines.catalogue.entry import ARCFACE_TEMPLATE, PIXELS
from engines.errors import CatalogueError, NetworkError
from engines.graph import graph
from engines.graph.network import Network, network_of
from engines.graph.onnx_file import read_onnx
from engines.graph.outputs import shape_text
from engines.quality.specification import ColourOrder, InputSpecification, Layout, Point
from engines.whole_file import write_whole

ARCFACE_SIDE = 112
"""Pixels of the image that `ARCFACE_TEMPLATE` is for."""

NARROWEST = 0.75
"""Shorter over longer side of a face image that the template of a square one can be moved to."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was read of a network, and what was assumed."""

    entry: Path
    """The file that was written."""
    specification: InputSpecification
    embedding_length: int
    tried: TriedForms


def propose_entry(
    network: Path, threads: int = 1, progress: Progress | None = None
) -> tuple[Proposal, Network]:
    """
    Write the entry of a bare network beside it, NAME.yaml for NAME.onnx, and replace one there.

    Size, layout and embedding length are read from the graph; colour order and scaling are those,
    of the common ones, that separate faces in colour best; the template is ArcFace's.

    Args:
        network: The ONNX file.
        threads: For each network call.
        progress: A running display of the caller's; None shows nothing.

    Returns:
        What was found, and the network as read, with the entry's specification.

    Raises:
        NetworkError: Not usable, or its file does not say what an entry needs.
        CatalogueError: No faces in colour can be obtained, so that nothing is guessed; or the
            entry cannot be written.
    """
    read = read_onnx(network)
    stated = stated_specification(read[0], network)
    loaded = network_of(read, network, stated)
    try:
        tried = try_forms(loaded, common_forms(stated), threads, progress)
    except CatalogueError as error:
        raise CatalogueError(
            f"{network}: its colour order and scaling could not be tried, and are not guessed: "
            f"write its entry yourself (docs/networks.md), or see to this: {error}"
        ) from error
    found = tried.best.specification
    proposal = Proposal(entry_beside(network), found, loaded.embedding_length, tried)
    try:
        write_whole(proposal.entry, entry_text(network, proposal).encode())
    except OSError as error:
        raise CatalogueError(
            f"{proposal.entry}: {error.strerror}: the entry could not be written; put the network "
            "into a folder of your own"
        ) from error
    return proposal, replace(loaded, specification=found)


def stated_specification(model: onnx.ModelProto, network: Path) -> InputSpecification:
    """
    Return what a network's graph says about its input; colour and scaling stand for any.

    Args:
        model: As it was read.
        network: Its file, for messages.

    Raises:
        NetworkError: It states no image of fixed size.
    """
    constant = graph.initializers(model).keys()
    inputs = [each for each in model.graph.input if each.name not in constant]
    images = [found for each in inputs if (found := _image(each)) is not None]
    if len(images) != 1:
        shapes = ", ".join(f"{each.name} {shape_text(graph.dimensions(each))}" for each in inputs)
        raise NetworkError(
            f"{network}: no single input is an image of stated size ({shapes or 'no input'}): "
            "export it with fixed height and width, or write its entry (docs/networks.md)"
        )
    channels, height, width, layout = images[0]
    if not _holds_a_face(width, height):
        raise NetworkError(
            f"{network}: {width}x{height} pixels are no size of a face image: is this a face "
            "recognition network? Else write its entry (docs/networks.md)"
        )
    colour: ColourOrder = "grey" if channels == 1 else "rgb"
    return InputSpecification(width, height, colour, 0.0, 1.0, layout, arcface(width, height))


def _image(value: onnx.ValueInfoProto) -> tuple[int, int, int, Layout] | None:
    """Return channels, height, width and layout of an image input; None of any other."""
    match graph.dimensions(value):
        case (_, (1 | 3) as channels, int(height), int(width)):
            return channels, height, width, "nchw"
        case (_, int(height), int(width), (1 | 3) as channels):
            return channels, height, width, "nhwc"
    return None


def _holds_a_face(width: int, height: int) -> bool:
    shorter, longer = sorted((width, height))
    return width in PIXELS and height in PIXELS and shorter >= NARROWEST * longer


def arcface(width: int, height: int) -> tuple[Point, ...]:
    """Return ArcFace's template for a face image of any size: as high, and in the middle."""
    factor = height / ARCFACE_SIDE
    left = (width - factor * ARCFACE_SIDE) / 2
    if (width, height) == (ARCFACE_SIDE, ARCFACE_SIDE):
        return ARCFACE_TEMPLATE
    return tuple(
        (round((x + 0.5) * factor - 0.5 + left, 4), round((y + 0.5) * factor - 0.5, 4))
        for x, y in ARCFACE_TEMPLATE
    )


def entry_text(network: Path, proposal: Proposal) -> str:
    """Return the entry in YAML, each line with where it comes from."""
    found, tried = proposal.specification, proposal.tried
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", network.stem).lstrip("._-") or "network"
    file = json.dumps(network.name, ensure_ascii=False)
    return f"""\
# Written by 'edge-gate pair build' from the network beside it. Correct what you know better.
name: {json.dumps(name)}
kind: network
licence: not stated   # write what its publisher declares
embedding_length: {proposal.embedding_length}   # read from the file
specification:
  width: {found.width}   # width, height and layout: read from the file
  height: {found.height}
  layout: {found.layout}
  # Tried on {amount(tried.photographs, "face")} in colour: {_figures(tried)}
  colour: {found.colour}
  mean: {number_text(found.mean)}
  scale: {number_text(found.scale)}
  template: {_template_text(found)}
files:
  - name: {file}
    file: {file}
"""


def _figures(tried: TriedForms) -> str:
    """Return the best form's figure and, of another colour order, the next one's."""
    best = tried.best
    others = (e for e in tried.forms if e.specification.colour != best.specification.colour)
    figures = [f"{each.specification.colour} {each.separation:.2f}" for each in (best, *others)]
    return f"separation d' {', '.join(figures[:2])}"


def _template_text(found: InputSpecification) -> str:
    if found.template == ARCFACE_TEMPLATE:
        return "arcface   # assumed"
    points = ", ".join(f"[{x:g}, {y:g}]" for x, y in found.template)
    return f"[{points}]   # assumed: ArcFace's for this size"
