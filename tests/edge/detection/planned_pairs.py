"""Engine pairs with plans of a detector, over a fake TensorRT that really computes."""

from pathlib import Path

from rich.progress import Progress

from edge.config.file import read_config
from edge.config.model import Config, DetectorSettings
from edge.detection.planned import DetectorToPlan
from engines.graph.fp16_gate import Fp16Limits
from engines.pair.manifest import Manifest
from engines.pair.pair import open_pair
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import build_pair_with_plans
from engines.plans.workshop import Tools
from engines.tensorrt.profile import BatchProfile
from tests.engines.tensorrt.plans import World, on
from tests.networks import TinyNetwork, loaded
from tests.pairs import request

LIMITS = Fp16Limits(min_cosine=0.99, relative_shift_error=1.0, rank_agreement=0.9)
"""Random weights have shifts close to each other; the pair is not what is tested."""


def build(folder: Path, detector: DetectorToPlan, world: World) -> Manifest:
    """Build a tiny pair and the plans of a detector on a world's device."""
    how = on(world)
    tools = Tools(
        cuda=world.gpu.port,
        api=world.api,
        here=world.here,
        available=lambda: 4 << 30,
        prove=lambda pair: open_pair(pair, execution=how).close(),
        plan_set=how.plan_set,
    )
    options = PlanOptions(
        profile=BatchProfile(smallest=1, usual=1, largest=2),
        limits=LIMITS,
        timing_cache=folder.parent / "kernels.timing",
        detector=detector,
    )
    asked = request(loaded(folder.parent, TinyNetwork(channels=16, embedding_length=16)))
    return build_pair_with_plans(asked, folder, options, Progress(disable=True), tools)


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
