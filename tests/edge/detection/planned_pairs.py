"""Engine pairs with plans of a detector, over a fake TensorRT that really computes."""

from pathlib import Path

from rich.progress import Progress

from edge.config.file import read_config
from edge.config.model import Config, DetectorSettings
from edge.detection.planned import DetectorToPlan
from engines.build.build import BuildRequest
from engines.pair.manifest import Manifest
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import build_pair_with_plans
from engines.tensorrt.profile import BatchProfile
from tests.engines.tensorrt.plans import LIMITS, World, tools_of
from tests.networks import TinyNetwork, loaded
from tests.pairs import request


def build(folder: Path, detector: DetectorToPlan, world: World) -> Manifest:
    """Build a tiny pair and the plans of a detector on a world's device."""
    asked, options = asked_of(folder.parent, detector)
    return build_pair_with_plans(asked, folder, options, Progress(disable=True), tools_of(world))


def asked_of(folder: Path, detector: DetectorToPlan) -> tuple[BuildRequest, PlanOptions]:
    """Return what is asked for."""
    options = PlanOptions(
        profile=BatchProfile(smallest=1, usual=1, largest=2),
        limits=LIMITS,
        timing_cache=folder / "kernels.timing",
        detector=detector,
    )
    return request(loaded(folder, TinyNetwork(channels=16, embedding_length=16))), options


def configured(pair: Path, settings: DetectorSettings, **engine: str) -> Config:
    """Return a configuration of that pair and detector."""
    detector = f"{{name: {settings.name}, threads: 1, smallest_face: {settings.smallest_face}"
    detector += "}" if settings.model is None else f", model: {settings.model}}}"
    words = ", ".join(f"{key}: {value}" for key, value in engine.items())
    path = pair.parent / "gate.yaml"
    (pair.parent / "film.mp4").touch()
    path.write_text(
        f"pair: {pair}\nsources: [{{name: door, uri: film.mp4}}]\nsinks: [{{type: stdout}}]\n"
        f"detector: {detector}\nengine: {{{words}}}\n"
    )
    return read_config(path).config
