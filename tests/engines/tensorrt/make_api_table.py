"""
Condense dumps of TensorRT's public names into tests/data/tensorrt_api.json.

    python tests/engines/tensorrt/make_api_table.py DUMPS/api_*.json

A dump maps each class of one bindings wheel to its public members. The table keeps the classes
that the builder and the runtime touch, and marks for each name the versions that have it.
"""

import json
import sys
from pathlib import Path

CLASSES = (
    "Builder",
    "BuilderFlag",
    "ComputeCapability",
    "DataType",
    "EngineInspector",
    "IBuilderConfig",
    "ICudaEngine",
    "IExecutionContext",
    "IHostMemory",
    "ILayer",
    "ILogger",
    "INetworkDefinition",
    "IOptimizationProfile",
    "IProgressMonitor",
    "ITensor",
    "ITimingCache",
    "LayerInformationFormat",
    "MemoryPoolType",
    "NetworkDefinitionCreationFlag",
    "OnnxParser",
    "ParserError",
    "ProfilingVerbosity",
    "Runtime",
    "TensorIOMode",
)
TABLE = Path(__file__).parents[2] / "data" / "tensorrt_api.json"


def version_key(name: str) -> tuple[bool, tuple[int, ...]]:
    return name.startswith("rtx"), tuple(int(part) for part in name.strip("rtx").split("."))


def main(paths: list[str]) -> None:
    dumps = {Path(p).stem.removeprefix("api_"): json.loads(Path(p).read_text()) for p in paths}
    versions = sorted(dumps, key=version_key)
    names: dict[str, str] = {}
    for owner in ("", *CLASSES):
        lists = [dumps[v].get(owner, []) if owner else list(dumps[v]) for v in versions]
        for member in sorted(set().union(*lists)):
            if owner or member in CLASSES or member.startswith("float"):
                name = f"{owner}.{member}".lstrip(".")
                names[name] = "".join("01"[member in each] for each in lists)
    TABLE.write_text(json.dumps({"versions": versions, "names": names}, indent=0) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
