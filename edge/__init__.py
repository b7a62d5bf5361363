"""
Cameras and faces: read frames, score faces, forward those worth recognising.

The names that stand here are for programs of your own; docs/api.md shows them at work.
"""

import importlib

TYPE_CHECKING = False  # as every type checker knows it; typing takes longer than all else here
if TYPE_CHECKING:
    from edge.config.file import LoadedConfig, read_config
    from edge.config.model import Config, DetectorSettings, GateSettings
    from edge.config.source import Geometry
    from edge.delivery.record import Capture, FaceRecord, face_record, record_json
    from edge.detection.open import open_detector
    from edge.errors import (
        ArchiveError,
        ClusterError,
        ConfigError,
        DetectorError,
        EdgeError,
        EvaluationFileError,
        FleetError,
        ImageError,
        InUseError,
        LoginRefusedError,
        NoFaceError,
        OutboxCorruptError,
        OutboxError,
        OutboxFullError,
        ShadowLogError,
        SinkBusyError,
        SinkError,
        SinkRefusedError,
        SourceError,
        TuningError,
        UsageError,
    )
    from edge.library import Gate
    from edge.protocols import FaceDetector, FrameSource, Sink
    from edge.samples import (
        Assessment,
        Box,
        Captured,
        Damaged,
        Delivery,
        DetectedFace,
        Frame,
        Passed,
        Pixels,
        QualityScore,
        Reason,
        Verdict,
    )
    from edge.sources.files import ImageFiles, open_files
    from edge.sources.images import read_image
    from edge.sources.video import VideoFile

__version__ = "0.1.0"

__all__ = [
    "ArchiveError",
    "Assessment",
    "Box",
    "Capture",
    "Captured",
    "ClusterError",
    "Config",
    "ConfigError",
    "Damaged",
    "Delivery",
    "DetectedFace",
    "DetectorError",
    "DetectorSettings",
    "EdgeError",
    "EvaluationFileError",
    "FaceDetector",
    "FaceRecord",
    "FleetError",
    "Frame",
    "FrameSource",
    "Gate",
    "GateSettings",
    "Geometry",
    "ImageError",
    "ImageFiles",
    "InUseError",
    "LoadedConfig",
    "LoginRefusedError",
    "NoFaceError",
    "OutboxCorruptError",
    "OutboxError",
    "OutboxFullError",
    "Passed",
    "Pixels",
    "QualityScore",
    "Reason",
    "ShadowLogError",
    "Sink",
    "SinkBusyError",
    "SinkError",
    "SinkRefusedError",
    "SourceError",
    "TuningError",
    "UsageError",
    "Verdict",
    "VideoFile",
    "__version__",
    "face_record",
    "open_detector",
    "open_files",
    "read_config",
    "read_image",
    "record_json",
]

_HOMES = {
    "edge.config.file": ("LoadedConfig", "read_config"),
    "edge.config.model": ("Config", "DetectorSettings", "GateSettings"),
    "edge.config.source": ("Geometry",),
    "edge.delivery.record": ("Capture", "FaceRecord", "face_record", "record_json"),
    "edge.detection.open": ("open_detector",),
    "edge.errors": (
        "ArchiveError",
        "ClusterError",
        "ConfigError",
        "DetectorError",
        "EdgeError",
        "EvaluationFileError",
        "FleetError",
        "ImageError",
        "InUseError",
        "LoginRefusedError",
        "NoFaceError",
        "OutboxCorruptError",
        "OutboxError",
        "OutboxFullError",
        "ShadowLogError",
        "SinkBusyError",
        "SinkError",
        "SinkRefusedError",
        "SourceError",
        "TuningError",
        "UsageError",
    ),
    "edge.library": ("Gate",),
    "edge.protocols": ("FaceDetector", "FrameSource", "Sink"),
    "edge.samples": (
        "Assessment",
        "Box",
        "Captured",
        "Damaged",
        "Delivery",
        "DetectedFace",
        "Frame",
        "Passed",
        "Pixels",
        "QualityScore",
        "Reason",
        "Verdict",
    ),
    "edge.sources.files": ("ImageFiles", "VideoFile", "open_files"),
    "edge.sources.images": ("read_image",),
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
