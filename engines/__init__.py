"""
Networks: catalogue, prune, build, open and run engine pairs. Knows no camera.

The names that stand here are for programs of your own; docs/api.md shows them at work.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engines.biometrics.comparisons import Comparisons
    from engines.biometrics.edc import (
        Curve,
        Question,
        error_versus_discard,
        pair_quality,
        partial_area,
    )
    from engines.biometrics.identity_scale import IdentityScale
    from engines.build.build import BuildRequest, build_pair
    from engines.build.golden_faces import GoldenFaces, golden_faces
    from engines.build.request import build_request
    from engines.build.verify import Verification, verify_pair
    from engines.catalogue.catalogue import Catalogued, entries, fetch, find_entry
    from engines.errors import (
        AlignmentError,
        BackendError,
        CalibrationError,
        CatalogueError,
        EmbeddingError,
        EnginesError,
        EntryError,
        EvaluationError,
        FetchError,
        HashMismatchError,
        NetworkError,
        NotBetterError,
        PairError,
        PairIntegrityError,
        PairRefusedError,
        PairSignatureError,
        PrecisionError,
        ProviderError,
        RecipeError,
        UnknownEntryError,
    )
    from engines.graph.network import Network, load_network
    from engines.pair.execution import Execution
    from engines.pair.golden_vectors import GoldenVectors
    from engines.pair.manifest import Manifest, read_manifest
    from engines.pair.pair import EnginePair, Scored, open_pair
    from engines.protocols import EmbeddingNetwork
    from engines.pruning.named_recipes import find_recipe
    from engines.pruning.recipe import Recipe
    from engines.quality.align import align
    from engines.quality.preprocess import prepare
    from engines.quality.score_mapping import ScoreMapping, fit_score_mapping
    from engines.quality.shift import embedding_shift, quality_from_shift, unit_rows
    from engines.quality.specification import Embeddings, FaceImages, InputSpecification, Landmarks

__all__ = [
    "AlignmentError",
    "BackendError",
    "BuildRequest",
    "CalibrationError",
    "CatalogueError",
    "Catalogued",
    "Comparisons",
    "Curve",
    "EmbeddingError",
    "EmbeddingNetwork",
    "Embeddings",
    "EnginePair",
    "EnginesError",
    "EntryError",
    "EvaluationError",
    "Execution",
    "FaceImages",
    "FetchError",
    "GoldenFaces",
    "GoldenVectors",
    "HashMismatchError",
    "IdentityScale",
    "InputSpecification",
    "Landmarks",
    "Manifest",
    "Network",
    "NetworkError",
    "NotBetterError",
    "PairError",
    "PairIntegrityError",
    "PairRefusedError",
    "PairSignatureError",
    "PrecisionError",
    "ProviderError",
    "Question",
    "Recipe",
    "RecipeError",
    "ScoreMapping",
    "Scored",
    "UnknownEntryError",
    "Verification",
    "align",
    "build_pair",
    "build_request",
    "embedding_shift",
    "entries",
    "error_versus_discard",
    "fetch",
    "find_entry",
    "find_recipe",
    "fit_score_mapping",
    "golden_faces",
    "load_network",
    "open_pair",
    "pair_quality",
    "partial_area",
    "prepare",
    "quality_from_shift",
    "read_manifest",
    "unit_rows",
    "verify_pair",
]

_HOMES = {
    "engines.biometrics.comparisons": ("Comparisons",),
    "engines.biometrics.edc": (
        "Curve",
        "Question",
        "error_versus_discard",
        "pair_quality",
        "partial_area",
    ),
    "engines.biometrics.identity_scale": ("IdentityScale",),
    "engines.build.build": ("BuildRequest", "build_pair"),
    "engines.build.golden_faces": ("GoldenFaces", "golden_faces"),
    "engines.build.request": ("build_request",),
    "engines.build.verify": ("Verification", "verify_pair"),
    "engines.catalogue.catalogue": ("Catalogued", "entries", "fetch", "find_entry"),
    "engines.errors": (
        "AlignmentError",
        "BackendError",
        "CalibrationError",
        "CatalogueError",
        "EmbeddingError",
        "EnginesError",
        "EntryError",
        "EvaluationError",
        "FetchError",
        "HashMismatchError",
        "NetworkError",
        "NotBetterError",
        "PairError",
        "PairIntegrityError",
        "PairRefusedError",
        "PairSignatureError",
        "PrecisionError",
        "ProviderError",
        "RecipeError",
        "UnknownEntryError",
    ),
    "engines.graph.network": ("Network", "load_network"),
    "engines.pair.execution": ("Execution",),
    "engines.pair.golden_vectors": ("GoldenVectors",),
    "engines.pair.manifest": ("Manifest", "read_manifest"),
    "engines.pair.pair": ("EnginePair", "Scored", "open_pair"),
    "engines.protocols": ("EmbeddingNetwork",),
    "engines.pruning.named_recipes": ("find_recipe",),
    "engines.pruning.recipe": ("Recipe",),
    "engines.quality.align": ("align",),
    "engines.quality.preprocess": ("prepare",),
    "engines.quality.score_mapping": ("ScoreMapping", "fit_score_mapping"),
    "engines.quality.shift": ("embedding_shift", "quality_from_shift", "unit_rows"),
    "engines.quality.specification": (
        "Embeddings",
        "FaceImages",
        "InputSpecification",
        "Landmarks",
    ),
}
"""Where each name lives. It is imported when it is first asked for (PEP 562): some are slow."""


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(home), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
