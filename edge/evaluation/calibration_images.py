"""Faces of a folder of photographs, for `edge-gate pair calibrate`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edge.detection.central_face import central_face
from edge.errors import ImageError
from edge.evaluation.pair_list import PairList
from edge.protocols import FaceDetector
from edge.samples import Pixels
from edge.sources.folders import images_in
from edge.sources.images import read_image
from engines.biometrics.degrade import with_margin
from engines.calibration.faces import DEGRADED_SHARE, CalibrationFaces, degraded, strangers
from engines.calibration.pairs import LabelledPairs
from engines.errors import AlignmentError, CalibrationError
from engines.quality.align import align
from engines.quality.specification import InputSpecification


@dataclass(slots=True)
class PhotographReader:
    """Finds, in photographs, the face that each is about, and remembers which had none."""

    detector: FaceDetector
    specification: InputSpecification
    """Of the network."""
    skipped: list[str] = field(default_factory=list)
    """Photographs without a face to calibrate on, with the reason."""

    def framed(self, path: Path) -> Pixels | None:
        """Return the central face aligned with a margin, or None."""
        try:
            pixels = read_image(path)
            face = central_face(self.detector.detect(pixels), pixels)
            if face is not None:
                return align(pixels, face.landmarks, with_margin(self.specification))
        except (ImageError, AlignmentError) as error:
            self.skipped.append(str(error))
        else:
            self.skipped.append(f"{path}: no face found")
        return None

    def all_framed(self, paths: Iterable[Path]) -> Iterator[Pixels]:
        """Yield the face of each photograph that has one."""
        for path in paths:
            framed = self.framed(path)
            if framed is not None:
                yield framed


def some_photographs(folder: Path, at_most: int) -> list[Path]:
    """
    Return photographs of a folder and of those below it, evenly chosen if there are too many.

    Raises:
        SourceError: There are none.
    """
    found = list(images_in([folder]))
    chosen = np.unique(np.linspace(0, len(found) - 1, min(at_most, len(found))).astype(int))
    return [found[i] for i in chosen]


def labelled_faces(
    reader: PhotographReader, names: Iterable[tuple[str, Path]], seeds: Sequence[int]
) -> tuple[CalibrationFaces, dict[tuple[str, int], int]]:
    """
    Return the faces of named photographs, each as every seed has it: degraded, or as it is.

    Args:
        reader: Finds the faces.
        names: As the list of pairs names the photographs, with their paths.
        seeds: Of the degradations.

    Returns:
        The faces, and where the one of a name and seed is.

    Raises:
        CalibrationError: No photograph has a face.
    """
    seen: list[tuple[Pixels, int]] = []
    place: dict[tuple[str, int], int] = {}
    for name, path in names:
        framed = reader.framed(path)
        if framed is None:
            continue
        clean: int | None = None
        for seed in seeds:  # cut at once: thousands of faces with their margin fill a memory
            image, strength = degraded(framed, name, reader.specification, seed, DEGRADED_SHARE)
            if strength == 0 and clean is not None:  # as an earlier seed left it: embed it once
                place[name, seed] = clean
                continue
            place[name, seed] = len(seen)
            clean = clean if strength else len(seen)
            seen.append((image, strength))
    if not seen:
        raise CalibrationError("no photograph of the pairs shows a face")
    images, strengths = zip(*seen, strict=True)
    return strangers(np.stack(images), np.array(strengths, np.intp)), place


def labelled_pairs(
    pairs: PairList, place: Mapping[tuple[str, int], int], seeds: Sequence[int]
) -> LabelledPairs:
    """Return the pairs of which both faces were found, once for each seed."""
    found = {name for name, _ in place}
    number = np.flatnonzero([found.issuperset(pair) for pair in pairs.pairs()])
    first, second = (
        np.array([place[names[i], seed] for seed in seeds for i in number], np.intp)
        for names in (pairs.first, pairs.second)
    )
    repeated = np.tile(number, len(seeds))
    return LabelledPairs(first, second, pairs.mated[repeated], repeated)
