"""
A learned quality network beside PreFIQs in one pair, fused by ranks (`engines.quality.fusion`).

It sees the face image that the pair sees, moved onto its own template, so that the face image of a
record is all that decides about its score. What the pair tells as `shift` is then the shift that
has the fused score: thresholds, best shots and curves go on as they are.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engines.closing import Closing
from engines.errors import AlignmentError, PairError, PairIntegrityError
from engines.pair.manifest import SecondOpinionRecord
from engines.pair.quality_network import QualityNetwork
from engines.quality.align import similarity_transform
from engines.quality.fusion import fused_share
from engines.quality.score_mapping import ScoreMapping
from engines.quality.specification import FaceImages, InputSpecification

BATCH = 16
"""Face images given to the network at once."""


class SecondOpinion(Closing):
    """An opened quality network and how it joins a pair."""

    def __init__(
        self, network: QualityNetwork, record: SecondOpinionRecord, seen: InputSpecification
    ) -> None:
        self._network = network
        self._record = record
        self._seen = seen

    def shift(
        self, shift: NDArray[np.float32], face_images: FaceImages, mapping: ScoreMapping
    ) -> NDArray[np.float32]:
        """
        Return the shifts that have the fused scores.

        Args:
            shift: (N,) embedding shifts of the pair.
            face_images: (N, height, width, 3) uint8 BGR, as the pair sees them.
            mapping: Of the pair.
        """
        found = qualities(self._network, face_images, self._seen)
        return fused_shift(shift, found, self._record, mapping)

    def require_golden(self, face_images: FaceImages) -> None:
        """
        Compare the network with what it said when the pair was built.

        Raises:
            PairIntegrityError: It says something else on this machine.
        """
        found = qualities(self._network, face_images, self._seen)
        off = np.abs(found - np.array(self._record.golden)).max()
        if off > self._record.tolerance:
            raise PairIntegrityError(
                f"the second opinion {self._record.name} is off by {off:.2e} on golden faces "
                f"(allowed {self._record.tolerance:.2e}): build the pair on this machine"
            )

    def close(self) -> None:
        """Release the network; safe to call twice."""
        self._network.close()


def fused_shift(
    shift: NDArray[np.float32],
    found: NDArray[np.float64],
    record: SecondOpinionRecord,
    mapping: ScoreMapping,
) -> NDArray[np.float32]:
    """
    Return the shifts that have the fused scores.

    Args:
        shift: (N,) embedding shifts of the pair.
        found: (N,) qualities of the same faces, see `qualities`.
        record: Of the network that gave them.
        mapping: Of the pair.
    """
    own = mapping.score(shift) / 100
    fused = fused_share(own, record.shares.share(found), record.fused)
    return np.array([mapping.shift(100 * each) for each in fused], np.float32)


def qualities(
    network: QualityNetwork, face_images: FaceImages, seen: InputSpecification
) -> NDArray[np.float64]:
    """
    Return what a quality network says of a pair's face images.

    Args:
        network: Opened.
        face_images: (N, height, width, 3) uint8 BGR, aligned to the template of `seen`.
        seen: The pair's input.

    Returns:
        (N,) higher is better.
    """
    views = moved(face_images, seen, network.specification)
    starts = range(0, len(views), BATCH)
    parts = [network.quality(views[start : start + BATCH]) for start in starts]
    return np.concatenate([np.empty(0), *parts])


def moved(
    face_images: FaceImages, seen: InputSpecification, wanted: InputSpecification
) -> FaceImages:
    """
    Return face images on another template; beyond their border its pixels go on.

    Raises:
        PairError: The templates do not fit each other.
    """
    size = (wanted.width, wanted.height)
    moves = move(seen, wanted)
    views = np.empty((len(face_images), wanted.height, wanted.width, 3), np.uint8)
    for view, image in zip(views, face_images, strict=True):
        view[:] = cv2.warpAffine(
            image, moves, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return views


def move(seen: InputSpecification, wanted: InputSpecification) -> NDArray[np.float64]:
    """Return the (2, 3) similarity from one template to the other; raises as `moved` does."""
    if len(seen.template) < len(wanted.template):
        raise PairError(
            "the second opinion's template has five points and the network's three: "
            "write three into its entry, eyes and middle of the mouth"
        )
    templates = (np.array(each.template, np.float32) for each in (seen, wanted))
    try:
        return similarity_transform(*templates)
    except AlignmentError as error:
        raise PairError(f"the second opinion's template does not fit: {error}") from error


def second_opinion_file(folder: Path) -> Path:
    """Return where a pair keeps the network."""
    return folder / "second-opinion.onnx"
