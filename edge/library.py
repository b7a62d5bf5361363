"""
The gate as a library: pictures that a program already has, one after the other.

    with Gate.open("gate.yaml") as gate:
        faces = gate.assess(image)
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from edge.config.effective import in_effect_for
from edge.config.engine import execution_of
from edge.config.file import read_config
from edge.config.masks import Polygon
from edge.config.model import GateSettings
from edge.detection.open import open_configured
from edge.detection.plans import close_detector
from edge.errors import SourceError
from edge.gate.assess import assess_candidates, candidates
from edge.protocols import FaceDetector
from edge.samples import Assessment, Frame, Pixels
from edge.sources.files import ImageFiles, open_files
from edge.sources.images import read_image
from edge.sources.video import VideoFile
from engines.closing import Closing
from engines.pair.pair import EnginePair, open_pair


class Gate(Closing):
    """
    Detects, scores and decides about each face of a picture, for itself.

    What needs time is `edge-gate run`'s: tracks, best shots, duplicates, schedules. Use a gate from
    one thread at a time.
    """

    def __init__(
        self,
        detector: FaceDetector,
        pair: EnginePair,
        settings: GateSettings | None = None,
        masks: Sequence[Polygon] = (),
    ) -> None:
        """
        Put a gate together from parts; `open` does it from a configuration file.

        Args:
            detector: Finds the faces.
            pair: Scores them; closed with the gate.
            settings: Decide about them; None takes the defaults.
            masks: Parts of the picture whose faces are discarded.
        """
        self.pair = pair
        self.settings = settings or GateSettings()
        self._detector = detector
        self._masks = tuple(masks)

    @classmethod
    def open(cls, config: str | Path, source: str | None = None) -> "Gate":
        """
        Open detector and engine pair of a configuration, with what is in effect for one camera.

        Args:
            config: The YAML file that `edge-gate run` takes too.
            source: A camera's name in it; None takes the only one, or what all of them share.

        Raises:
            ConfigError: The file is wrong; the message names line, column and key.
            UsageError: There is no such camera.
            CatalogueError: The detector's files cannot be obtained.
            DetectorError: The detector's files are of another detector.
            PairError: The engine pair is missing or not the one its manifest promises.
        """
        found = read_config(config).config
        faces = in_effect_for(found, source, ()).faces
        detector = open_configured(found)
        pair = open_pair(found.pair, found.threads, execution_of(found.engine))
        return cls(detector, pair, faces.gate, faces.masks)

    def assess(
        self, image: Pixels | str | Path, *, score_discarded: bool = False
    ) -> tuple[Assessment, ...]:
        """
        Return one assessment for each face, from left to right.

        Args:
            image: (height, width, 3) uint8 in B, G, R order, as OpenCV reads pictures; or the path
                of a picture, which is turned upright first.
            score_discarded: Score also the faces that a pre-check discards: for reports.

        Raises:
            ValueError: An array of another shape or type.
            ImageError: The file is no picture that can be read.
            DetectorError, BackendError: A library refused the picture.
        """
        if isinstance(image, (str, Path)):
            frame = Frame(read_image(image), str(image), 0, None)
        else:
            frame = Frame(_checked(image), "image", 0, None)
        return self._assessed(frame, score_discarded=score_discarded)

    def assess_files(
        self,
        paths: str | Path | Iterable[str | Path],
        unreadable: Callable[[SourceError], None] | None = None,
        *,
        score_discarded: bool = False,
    ) -> Iterator[Assessment]:
        """
        Yield the assessments of images, videos and folders, which are searched to the bottom.

        `assessment.frame` says which file and which frame a face is of.

        Args:
            paths: What to read, one path or several; all images come first, then each video.
            unreadable: Called with the error of each image or video that cannot be read, and of
                each video with damaged pictures, which are left out, and the rest goes on; None
                raises it.
            score_discarded: Score also the faces that a pre-check discards: for reports.

        Raises:
            ImageError, SourceError: An image or a video cannot be read, and `unreadable` is None.
            SourceError: A folder holds neither images nor videos.
            DetectorError, BackendError: A library refused a picture.
        """
        told = unreadable or _raised
        named = [paths] if isinstance(paths, (str, Path)) else paths
        for source in open_files([Path(path) for path in named], told):
            for frame in _frames(source, told):
                yield from self._assessed(frame, score_discarded=score_discarded)

    def close(self) -> None:
        """Release the networks; safe to call twice."""
        self.pair.close()
        close_detector(self._detector)

    def _assessed(self, frame: Frame, *, score_discarded: bool) -> tuple[Assessment, ...]:
        faces = self._detector.detect(frame.pixels)
        found = candidates(frame, faces, self.settings, self._masks)
        return assess_candidates(found, self.pair, self.settings, score_discarded=score_discarded)


def _checked(image: object) -> Pixels:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise ValueError(f"an image is an array of uint8, 0 to 255, not {kind}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"an image is (height, width, 3) in B, G, R order, not {image.shape}")
    return image


def _frames(
    source: ImageFiles | VideoFile, unreadable: Callable[[SourceError], None]
) -> Iterator[Frame]:
    try:
        yield from source.frames()
    except SourceError as error:
        unreadable(error)


def _raised(error: SourceError) -> None:
    raise error
