"""
Which colour order and scaling a network was trained with: tried on faces in colour.

A network's file tells neither, and a swapped colour order cannot be seen on grey faces. So each
common form embeds the colour photographs of the catalogue and copies of them with seeded camera
faults, and that is proposed which separates people best.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from engines.biometrics.decidability import decidabilities
from engines.biometrics.degrade import Image, with_margin, without_margin
from engines.build.golden_faces import golden_faces
from engines.build.reference_faces import LISTS
from engines.calibration.faces import COPIES, degraded
from engines.graph.network import Network
from engines.onnxruntime.backend import open_for_build
from engines.pair.pair import LARGEST_BATCH
from engines.quality.preprocess import prepare
from engines.quality.specification import (
    ColourOrder,
    Embeddings,
    FaceImages,
    InputSpecification,
    PerChannel,
)

SCALINGS: tuple[tuple[PerChannel, PerChannel], ...] = (
    (127.5, 127.5),
    (0.0, 1.0),
    (0.0, 255.0),
    ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
)
"""
Mean and scale, in R, G, B order: -1 to 1, pixels as they are, 0 to 1, statistics of ImageNet.

127.5 stands for (127.5, 128) and (128, 128) too: they differ by less than any face tells.
"""

COLOURED = 2.0
"""Grey levels between the channels, on average, from which a photograph counts as coloured."""

SURE = 0.95
"""Share of resampled people in which one form separates better than another that is called so."""


@dataclass(frozen=True, slots=True)
class TriedForm:
    """How well a network separates people when fed in one form."""

    specification: InputSpecification
    separation: float
    """Decidability index d' of comparisons of colour faces and their degraded copies."""
    worse_than_best: float
    """Share of resampled people, 0 to 1, in which the best form separates better than this one."""


@dataclass(frozen=True, slots=True)
class TriedForms:
    """Forms, the best first."""

    forms: tuple[TriedForm, ...]
    photographs: int
    """In colour, without their copies."""

    @property
    def best(self) -> TriedForm:
        """The one that separates best."""
        return self.forms[0]

    @property
    def rivals(self) -> tuple[TriedForm, ...]:
        """Forms of which these faces cannot tell that the best one is better."""
        return tuple(each for each in self.forms[1:] if not self.is_worse(each))

    def is_worse(self, form: TriedForm) -> bool:
        """Return whether these faces are sure that the best form is better than this one."""
        return form.worse_than_best >= SURE

    def of(self, specification: InputSpecification) -> TriedForm:
        """Return what was found for a form that was tried."""
        return next(each for each in self.forms if each.specification == specification)


def common_forms(specification: InputSpecification) -> tuple[InputSpecification, ...]:
    """Return the specification in every common scaling and, unless it is grey, colour order."""
    if specification.colour == "grey":
        plain = [each for each in SCALINGS if not isinstance(each[0], tuple)]
        return tuple(replace(specification, mean=mean, scale=scale) for mean, scale in plain)
    orders: tuple[ColourOrder, ...] = ("rgb", "bgr")
    return tuple(_form(specification, order, *each) for each in SCALINGS for order in orders)


def rival_forms(specification: InputSpecification) -> tuple[InputSpecification, ...]:
    """Return a stated specification, with its colours swapped, and the common forms."""
    swapped = () if specification.colour == "grey" else (_swapped(specification),)
    return tuple(dict.fromkeys((specification, *swapped, *common_forms(specification))))


def try_forms(
    network: Network,
    forms: Sequence[InputSpecification],
    threads: int = 1,
    progress: Progress | None = None,
) -> TriedForms:
    """
    Return how well a network separates people in each form.

    Args:
        network: Loaded with any of them.
        forms: Of one size, layout and template.
        threads: For each network call.
        progress: A running display of the caller's; None shows nothing.

    Raises:
        CatalogueError: The photographs cannot be obtained.
    """
    shown = progress or Progress(disable=True)
    faces = colour_faces(forms[0], progress)
    separation, resampled = decidabilities(
        _embedded(network, forms, faces.images, threads, shown), faces.subjects
    )
    best = int(np.argmax(separation))
    worse = (resampled[best] > resampled).mean(axis=1)
    found = [
        TriedForm(*each) for each in zip(forms, separation.tolist(), worse.tolist(), strict=True)
    ]
    order = sorted(range(len(found)), key=lambda each: -separation[each])
    return TriedForms(tuple(found[each] for each in order), len(faces.subjects) // (1 + COPIES))


@dataclass(frozen=True, slots=True, eq=False)
class ColourFaces:
    """N known faces in colour."""

    images: FaceImages
    """(N, height, width, 3) uint8 BGR: each photograph, followed by its degraded copies."""
    subjects: tuple[str, ...]
    """N names; equal names are one person."""


def colour_faces(
    specification: InputSpecification, progress: Progress | None = None
) -> ColourFaces:
    """
    Return the known faces that are in colour, each as it is and with seeded camera faults.

    Raises:
        CatalogueError: The photographs cannot be obtained.
    """
    images: list[Image] = []
    subjects: list[str] = []
    for path in LISTS:
        known = golden_faces(with_margin(specification), progress, path)
        for framed, subject in zip(known.images, known.subjects, strict=True):
            if _colourfulness(framed) > COLOURED:
                images += _with_copies(framed, len(images), specification)
                subjects += [subject] * (1 + COPIES)
    return ColourFaces(np.stack(images), tuple(subjects))


def _with_copies(framed: Image, number: int, specification: InputSpecification) -> list[Image]:
    names = [f"{number} {copy}" for copy in range(COPIES)]
    copies = [degraded(framed, name, specification, seed=0, share=1)[0] for name in names]
    return [without_margin(framed[None], specification)[0], *copies]


def _colourfulness(image: Image) -> float:
    """Return how far the channels lie apart on average, in grey levels."""
    return float(np.ptp(image.astype(np.int16), axis=-1).mean())


def _embedded(
    network: Network,
    forms: Sequence[InputSpecification],
    images: FaceImages,
    threads: int,
    progress: Progress,
) -> NDArray[np.float64]:
    """Return embeddings (forms, N, D) of length 1, or 0 where a form gives none of a direction."""
    with TemporaryDirectory(prefix="edge-gate-") as scratch:
        file = Path(scratch) / "network.onnx"
        file.write_bytes(network.model.SerializeToString())
        starts = range(0, len(images), LARGEST_BATCH)
        with open_for_build(file, threads) as opened:
            task = progress.add_task("trying colour and scaling", total=len(forms) * len(starts))
            rows = []
            for form in forms:
                parts = []
                for start in starts:
                    parts.append(
                        opened.run(prepare(images[start : start + LARGEST_BATCH], form))[0]
                    )
                    progress.advance(task)
                rows.append(_directions(np.concatenate(parts)))
            progress.remove_task(task)
    return np.stack(rows)


def _directions(rows: Embeddings) -> NDArray[np.float64]:
    wide = np.nan_to_num(rows.astype(np.float64), posinf=0, neginf=0)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(norms > 0, norms, 1)


def _form(
    specification: InputSpecification, colour: ColourOrder, mean: PerChannel, scale: PerChannel
) -> InputSpecification:
    """Return a specification in a form whose numbers are in R, G, B order."""
    if colour == "bgr":
        mean, scale = _reversed(mean), _reversed(scale)
    return replace(specification, colour=colour, mean=mean, scale=scale)


def _swapped(specification: InputSpecification) -> InputSpecification:
    colour: ColourOrder = "bgr" if specification.colour == "rgb" else "rgb"
    mean, scale = _reversed(specification.mean), _reversed(specification.scale)
    return replace(specification, colour=colour, mean=mean, scale=scale)


def _reversed(number: PerChannel) -> PerChannel:
    return number[::-1] if isinstance(number, tuple) else number


def number_text(number: PerChannel) -> str:
    """Return a mean or scale as an entry writes it."""
    if isinstance(number, tuple):
        return f"[{', '.join(f'{each:g}' for each in number)}]"
    return f"{number:g}"


def form_text(form: InputSpecification) -> str:
    """Return colour order and scaling in a few words."""
    return f"{form.colour}, (pixel - {number_text(form.mean)}) / {number_text(form.scale)}"
