"""
Quality networks of the user's: one aligned face image in, one quality out.

Such are LightQNet, eDifFIQA and exports of CR-FIQA's quality layer. They were trained for what
PreFIQs finds in a recognition network itself, so they are its rivals, and a second opinion.
"""

import numpy as np
from numpy.typing import NDArray

from engines.catalogue.catalogue import fetch
from engines.catalogue.values import Catalogued, Direction
from engines.closing import Closing
from engines.errors import EmbeddingError, EntryError
from engines.graph.network import Network, load_network
from engines.protocols import EmbeddingNetwork
from engines.quality.preprocess import prepare
from engines.quality.specification import FaceImages, InputSpecification


class QualityNetwork(Closing):
    """An opened quality network; made of what `load_quality_network` read."""

    def __init__(
        self, running: EmbeddingNetwork, specification: InputSpecification, direction: Direction
    ) -> None:
        self.specification = specification
        self._running = running
        self._sign = 1.0 if direction == "higher" else -1.0

    def quality(self, face_images: FaceImages) -> NDArray[np.float64]:
        """
        Return the quality of each face image, higher is better, on the network's own scale.

        Args:
            face_images: (N, height, width, 3) uint8 BGR, aligned to the specification's template.

        Returns:
            (N,) float64; of a network of which lower is better, the negative.

        Raises:
            ValueError: Another size or type.
            EmbeddingError: A quality is NaN or infinite: it must not become a figure.
            BackendError: The inference library refused.
        """
        (found,) = self._running.run(prepare(face_images, self.specification))
        values = found.reshape(len(face_images)).astype(np.float64)
        if not np.isfinite(values).all():
            raise EmbeddingError("the quality network gives a value that is NaN or infinite")
        return self._sign * values

    def close(self) -> None:
        """Release the network; safe to call twice."""
        self._running.close()


def load_quality_network(entry: Catalogued) -> Network:
    """
    Obtain and check the file of a quality network.

    Raises:
        EntryError: The entry is of another kind.
        CatalogueError: The file cannot be obtained, or is not the pinned one.
        NetworkError: The file is no network of that input with one value for each face.
    """
    if entry.kind != "quality" or entry.specification is None:
        raise EntryError(
            f"{entry.name} is of kind {entry.kind}: a quality network is needed, 'kind: quality' "
            "with 'direction'; configs/networks/lightqnet.yaml is an example"
        )
    (file,) = fetch(entry)
    return load_network(file, entry.specification, 1, entry.output)
