"""
Run in a subprocess with a real TensorRT-RTX: build the plans of each detector, in FP16 and FP32.

    python rtx_detectors.py [YUNET]

Prints one JSON object: detector -> network -> precision -> what came of it.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import Progress

from edge.config.model import DetectorSettings
from edge.detection.open import detector_files
from edge.detection.planned import DetectorToPlan
from engines.plans.options import PlanOptions
from engines.plans.set_networks import prepare_set
from engines.plans.workshop import Tools, Workshop, build_network_plan, open_workshop
from engines.tensorrt.errors import ParseError
from engines.tensorrt.sidecar import read_sidecar


def workshop(precision: Any) -> Workshop:
    options = PlanOptions("rtx", precision, compute_capability="SM86")
    return open_workshop(options, Tools(available=lambda: 1 << 30))


def facts(settings: DetectorSettings, folder: Path) -> dict[str, dict[str, Any]]:
    networks = DetectorToPlan(settings, detector_files(settings), (), ()).networks
    found: dict[str, dict[str, Any]] = {each.name: {} for each in networks}
    for precision in ("fp16", "fp32"):
        shop = workshop(precision)
        for network in prepare_set(networks, shop.options, shop.typing):
            record = build_network_plan(folder, network, None, shop, Progress(disable=True))
            sidecar = read_sidecar(folder / record.name)
            shapes = sidecar.input_shapes
            found[network.source.role][precision] = {
                "plan": record.name,
                "version": sidecar.fingerprint.tensorrt,
                "input": sidecar.input.shape,
                "largest": shapes.largest,
                "outputs": {each.name: each.shape for each in sidecar.outputs},
                "half_weights": sidecar.source.half_weights,
            }
    return found


def beyond(settings: DetectorSettings) -> str:
    """Give the builder P-Net with an output that it must not have."""
    networks = DetectorToPlan(settings, detector_files(settings), (), ()).networks[:1]
    shop = workshop("fp16")
    (network,) = prepare_set(networks, shop.options, shop.typing)
    object.__setattr__(network, "outputs", network.outputs[:1])
    try:
        with TemporaryDirectory() as folder:
            build_network_plan(Path(folder), network, None, shop, Progress(disable=True))
    except ParseError as error:
        return str(error)
    return ""


def main(yunet: Path | None) -> None:
    chosen = [DetectorSettings(name="mtcnn"), DetectorSettings(name="ultraface68")]
    if yunet is not None:
        chosen.append(DetectorSettings(name="yunet", model=yunet))
    with TemporaryDirectory() as scratch:
        found: dict[str, Any] = {each.name: facts(each, Path(scratch)) for each in chosen}
    found["beyond"] = beyond(chosen[0])
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
