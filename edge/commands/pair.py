"""`edge-gate pair`: build, verify and inspect engine pairs."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from getpass import getpass
from pathlib import Path
from typing import Any, Literal

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TimeElapsedColumn

from edge.commands.arguments.plans import given_plan_options
from edge.config.model import DetectorSettings
from edge.console import Screen, Step
from edge.detection.planned import DetectorToPlan, detector_to_plan
from edge.entry import EXIT_INTERRUPTED
from edge.errors import ConfigError, UsageError
from edge.evaluation.calibration_run import calibrate_on_photographs
from edge.printable import say
from engines.build.build import BuildRequest, build_pair
from engines.build.form_remarks import Remark, colour_remarks, proposal_remarks
from engines.build.golden_faces import golden_faces
from engines.build.input_forms import form_text
from engines.build.openvino_pair import build_openvino_pair
from engines.build.other_measures import other_measures
from engines.build.own_network import propose_entry
from engines.build.report import (
    acceptance_text,
    forms_table,
    manifest_tables,
    thresholds_table,
    together_text,
    trial_text,
    verification_table,
    worth_text,
)
from engines.build.request import (
    LoadedEntry,
    load_entry,
    loaded_entry,
    loaded_request,
    unscaled_request,
)
from engines.build.verify import verify_pair
from engines.calibration.files import draw_sweep, write_sweep
from engines.calibration.report import recipe_text, sweep_table
from engines.catalogue.catalogue import Catalogued, entries, entry_beside, find_entry
from engines.catalogue.values import UNPRUNED
from engines.errors import (
    EntryError,
    NotBetterError,
    PairSignatureError,
    RecipeError,
    UnknownEntryError,
)
from engines.openvino.api import Precision
from engines.pair.carried_threshold import carried_threshold
from engines.pair.detector_plans import read_detector_plans
from engines.pair.execution import Execution
from engines.pair.manifest import SIGNATURE_NAME, Manifest, read_manifest
from engines.pair.merit import Merit
from engines.pair.pair import golden_vectors_of
from engines.pair.signature import sign_pair, trusted_manifest
from engines.plans.check import detector_state, plan_states
from engines.plans.detector_check import check_detector_on_device
from engines.plans.device_check import DeviceCheck
from engines.plans.faster_form import Bench, verify_on_device
from engines.plans.forecast import forecast
from engines.plans.half_pair import pair_figures
from engines.plans.options import PlanOptions
from engines.plans.pair_plans import build_pair_with_plans
from engines.plans.report import (
    detector_device_report,
    detector_report,
    device_report,
    facts_table,
    figures_rows,
    forecast_report,
    plans_report,
)
from engines.plans.workshop import Tools
from engines.pruning.named_recipes import find_recipe, named_recipes
from engines.pruning.recipe import Recipe
from engines.tensorrt.profile import BatchProfile

EXIT_FAILED = 1

PLANNED = ("tensorrt", "rtx")
"""Backends that run plans."""

OF_OPENVINO: dict[str | None, Precision | None] = {None: None, "bf16": "bf16", "fp32": "f32"}
"""What `--precision` says of it; None lets the golden faces decide."""

Action = Callable[[argparse.Namespace, Progress], int]


def run(arguments: argparse.Namespace) -> int:
    """Run one action; what is the user's to mend is raised as the errors `edge.__main__` knows."""
    columns = (SpinnerColumn(), Step(), BarColumn(), TimeElapsedColumn())
    screen = Screen(stderr=True)
    try:
        with Progress(
            *columns, console=screen, transient=True, disable=not screen.is_terminal
        ) as progress:
            return ACTIONS[arguments.action](arguments, progress)
    except EntryError as error:
        raise ConfigError(str(error)) from error
    except (UnknownEntryError, RecipeError) as error:
        raise UsageError(str(error)) from error
    except PairSignatureError as error:
        say(f"edge-gate pair: {error}", sys.stderr)
        return EXIT_FAILED  # no configuration insists here
    except KeyboardInterrupt:
        say("interrupted; nothing was changed", sys.stderr)
        return EXIT_INTERRUPTED


def _request(arguments: argparse.Namespace, progress: Progress) -> BuildRequest:
    known = _entry(arguments, progress)
    entry = known.entry if isinstance(known, LoadedEntry) else known
    recipe = _asked_recipe(arguments, entry.name)
    quality = arguments.quality or entry.quality
    if quality in UNPRUNED and recipe:
        raise UsageError(f"quality '{quality}' prunes nothing: leave out the recipe")
    loaded = known if isinstance(known, LoadedEntry) else load_entry(known, progress)
    request = loaded_request(loaded, recipe, arguments.threads, progress, quality)
    second = arguments.second_opinion
    return replace(
        request,
        form=arguments.form,
        accept_worse=arguments.accept_worse,
        second_opinion=None if second is None else find_entry(str(second.absolute())),
    )


def _entry(arguments: argparse.Namespace, progress: Progress) -> Catalogued | LoadedEntry:
    """Return the network's entry: proposed where there is none, one of the user's own tried."""
    network = Path(arguments.network).expanduser()
    if network.suffix == ".onnx" and not entry_beside(network).exists():
        return _proposed(network, arguments.threads, progress)
    entry = find_entry(arguments.network)
    if entry in entries():
        return entry
    known = load_entry(entry, progress)
    _say(colour_remarks(known, arguments.threads, progress))
    return known


def _proposed(network: Path, threads: int, progress: Progress) -> LoadedEntry:
    proposal, read = propose_entry(network, threads, progress)
    found, length = proposal.specification, proposal.embedding_length
    size = f"{found.width}x{found.height} pixels, {found.layout.upper()}"
    say(f"{network}: takes {size}, gives embeddings of {length} values")
    _show(forms_table(proposal.tried))
    say(f"{proposal.entry}: written: {form_text(found)}; correct it where you know better")
    entry = find_entry(str(proposal.entry.absolute()))
    _say(proposal_remarks(entry.name, proposal))
    return loaded_entry(entry, read, progress)


def _say(remarks: Sequence[Remark]) -> None:
    for each in remarks:
        if each.is_warning:
            say(f"warning: {each.text}", sys.stderr)
        else:
            say(each.text)


def _build(arguments: argparse.Namespace, progress: Progress) -> int:
    _require_useful(arguments)
    detector = _detector(arguments, progress) if arguments.backend in PLANNED else None
    request = _request(arguments, progress)
    try:
        manifest = _built(arguments, request, detector, progress)
    except NotBetterError:
        if request.quality == "own":
            _show(_others(arguments, request, None, progress))
        raise
    say(f"{arguments.out}: engine pair {manifest.pair_id} of {manifest.network.name}")
    say(acceptance_text(manifest.acceptance))
    say(worth_text(manifest))
    together = together_text(manifest)
    if together is not None:
        say(together)
    own = _merit_to_beat(manifest)
    if own is not None and not arguments.accept_worse:
        _show(_others(arguments, request, own, progress))
    return 0


def _others(
    arguments: argparse.Namespace, request: BuildRequest, own: Merit | None, progress: Progress
) -> str:
    known = LoadedEntry(find_entry(arguments.network), request.network)
    built = None if own is None else arguments.out
    return other_measures(known, request, own, progress, built)


def _require_useful(arguments: argparse.Namespace) -> None:
    """Refuse what the backend would not look at."""
    if arguments.backend in PLANNED:
        return
    used = ("--precision",) if arguments.backend == "openvino" else ()
    unused = [each for each in given_plan_options(arguments) if each not in used]
    if unused:
        other = " or openvino" if unused[0] == "--precision" else ""
        raise UsageError(f"{unused[0]} needs --backend tensorrt{other}")
    if used and arguments.precision not in OF_OPENVINO:
        raise UsageError(f"--precision {arguments.precision} needs --backend tensorrt")


def _merit_to_beat(manifest: Manifest) -> Merit | None:
    """Return the merit of an own pair that others may beat; None where it was measured before."""
    found = manifest.fused_merit or manifest.merit
    if manifest.quality != "own" or found is None:
        return None
    known = {each.recipe for each in named_recipes(manifest.network.name).values()}
    if manifest.recipe in known and found.verdict == "better":
        return None
    return found


def _built(
    arguments: argparse.Namespace,
    request: BuildRequest,
    detector: DetectorToPlan | None,
    progress: Progress,
) -> Manifest:
    if arguments.backend == "onnxruntime":
        return build_pair(request, arguments.out, progress)
    if arguments.backend == "openvino":
        wanted = OF_OPENVINO[arguments.precision]
        manifest, trial = build_openvino_pair(request, arguments.out, wanted, progress)
        say(trial_text(trial))
        return manifest
    options = replace(plan_options(arguments), detector=detector)
    manifest = build_pair_with_plans(request, arguments.out, options, progress)
    _show(plans_report(plan_states(arguments.out, manifest)))
    _show(detector_report(detector_state(arguments.out, manifest)))
    return manifest


def _asked_recipe(
    arguments: argparse.Namespace, network: str
) -> Recipe | Literal["calibrate"] | None:
    """Return the recipe that the command line names or spells out; None if it does neither."""
    names = ("sparsity", "scope", "count", "importance", "structure", "layers", "keep_dense")
    given = {name: getattr(arguments, name) for name in names}
    spelled: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    if arguments.recipe is None and arguments.recipe_of is None:
        return Recipe(**spelled) if spelled else None
    whole = "recipe-of" if arguments.recipe is None else f"recipe {arguments.recipe}"
    if arguments.recipe and arguments.recipe_of:
        spelled["recipe_of"] = arguments.recipe_of
    if spelled:
        first = next(iter(spelled)).replace("layers", "layer").replace("_", "-")
        raise RecipeError(f"--{whole} is a whole recipe: leave out --{first}")
    if arguments.recipe_of:
        return _recipe_of(arguments.recipe_of)
    return (
        "calibrate" if arguments.recipe == "calibrate" else find_recipe(network, arguments.recipe)
    )


def _recipe_of(folder: Path) -> Recipe:
    manifest = read_manifest(folder)
    if manifest.quality in UNPRUNED:
        raise RecipeError(f"--recipe-of {folder}: quality '{manifest.quality}' prunes nothing")
    return manifest.recipe


def _calibrate(arguments: argparse.Namespace, progress: Progress) -> int:
    entry = _entry(arguments, progress)
    request = unscaled_request(entry, Recipe(), arguments.threads, progress, "own")
    found = calibrate_on_photographs(arguments, request, progress)
    chosen = found.chosen
    for reason in found.skipped:
        say(reason, sys.stderr)
    _show(sweep_table(found.sweep, chosen, found.verdict))
    layers = "; ".join(", ".join(each.layers) for each in chosen.candidate.recipe.single)
    say(f"chosen: {recipe_text(chosen.candidate)} ({layers})")
    if arguments.plot is not None:
        draw_sweep(found.sweep, chosen, arguments.plot, request.name, found.verdict)
    if arguments.table is not None:
        write_sweep(found.sweep, arguments.table, found.verdict)
    if arguments.out is not None:
        recipe = chosen.candidate.recipe
        request = replace(
            request,
            recipe=recipe,
            reference=found.faces.images,
            accept_worse=arguments.accept_worse,
        )
        manifest = build_pair(request, arguments.out, progress)
        say(f"{arguments.out}: engine pair {manifest.pair_id} of {manifest.network.name}")
        say(worth_text(manifest))
    return 0


def _plan(arguments: argparse.Namespace, progress: Progress) -> int:
    # First of all: a detector's file that is not there must not cost the minutes of the rest.
    options = replace(plan_options(arguments), detector=_detector(arguments, progress))
    found = forecast(_request(arguments, progress), options, progress)
    _show(forecast_report(found, arguments.backend))
    return EXIT_FAILED if found.obstacles else 0


def _inspect(arguments: argparse.Namespace, progress: Progress) -> int:  # noqa: ARG001
    manifest = read_manifest(arguments.pair)
    if arguments.of is not None:
        return _compare(arguments, manifest)
    if arguments.threshold is not None:
        raise UsageError("--threshold needs --of OLD, the pair it was chosen for")
    _show(manifest_tables(manifest))
    _show(plans_report(plan_states(arguments.pair, manifest)))
    _show(detector_report(detector_state(arguments.pair, manifest)))
    return 0


def _compare(arguments: argparse.Namespace, manifest: Manifest) -> int:
    old = read_manifest(arguments.of)
    asked = range(10, 100, 10) if arguments.threshold is None else (arguments.threshold,)
    _show(thresholds_table([carried_threshold(float(each), old, manifest) for each in asked]))
    return 0


def _sign(arguments: argparse.Namespace, progress: Progress) -> int:
    def passphrase() -> str:
        progress.stop()
        return getpass(f"passphrase of {arguments.key}: ")

    manifest = sign_pair(arguments.pair, arguments.key, passphrase)
    say(f"{arguments.pair}: engine pair {manifest.pair_id} is signed ({SIGNATURE_NAME})")
    return 0


def _verify(arguments: argparse.Namespace, progress: Progress) -> int:
    manifest = trusted_manifest(arguments.pair, arguments.key)
    if arguments.key is not None:
        say(f"signature: by the key of {arguments.key}")
    golden = golden_faces(manifest.specification, progress) if arguments.faces else None
    if arguments.device:
        images = None if golden is None else golden.images
        bench = Bench(DeviceCheck(), Tools(), progress)
        accepted = verify_on_device(arguments.pair, images, bench)
        _show(device_report(read_manifest(arguments.pair), accepted))
        passed = _verify_detector(arguments, progress) and accepted.passed
        return 0 if passed else EXIT_FAILED
    # Plans would need their GPU.
    own = Execution(backend="auto" if manifest.flavour is None else "onnxruntime")
    found = verify_pair(arguments.pair, arguments.threads, golden, own)
    _show(verification_table(found))
    states = plan_states(arguments.pair, manifest)
    _show(plans_report(states))
    detector = detector_state(arguments.pair, manifest)
    _show(detector_report(detector))
    if states or arguments.fp16:
        faces = golden_vectors_of(arguments.pair, manifest) if golden is None else golden
        figures = pair_figures(arguments.pair, manifest, faces.images)
        _show(facts_table(figures_rows(figures)))
    faulty = found.faults or any(each.fault for each in states) or any(detector.faults)
    return EXIT_FAILED if faulty else 0


def _verify_detector(arguments: argparse.Namespace, progress: Progress) -> bool:
    """Run the detector's plans on this device, where there are some; return whether they passed."""
    plans = read_detector_plans(arguments.pair, read_manifest(arguments.pair))
    if plans is None:
        return True
    settings = DetectorSettings.model_validate(
        {"name": plans.detector, "model": arguments.detector_model}
    )
    found = check_detector_on_device(arguments.pair, detector_to_plan(settings, progress))
    _show(detector_device_report(found))
    return not found.missed


def _show(what: RenderableType) -> None:
    Screen(markup=False, highlight=False).print(what)


def plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """
    Return what the command line chose for the pair's plans.

    Raises:
        UsageError: A precision that TensorRT is not asked for here.
    """
    if arguments.precision == "bf16":
        raise UsageError("--precision bf16 needs --backend openvino")
    smallest, usual, largest = arguments.batch
    return PlanOptions(
        flavour=arguments.backend,
        precision=arguments.precision or "fp16",
        typing=arguments.typing,
        profile=BatchProfile(smallest=smallest, usual=usual, largest=largest),
        workspace_bytes=arguments.workspace,
        keep_fp32=None if arguments.keep_fp32 is None else tuple(arguments.keep_fp32),
        prelu=arguments.prelu,
        timing_cache=arguments.timing_cache,
        compute_capability=arguments.compute_capability,
    )


def _detector(arguments: argparse.Namespace, progress: Progress) -> DetectorToPlan | None:
    name, model = arguments.detector, arguments.detector_model
    if name == "none":
        if model is not None:
            raise UsageError("--detector-model needs a detector: leave out --detector none")
        return None
    return detector_to_plan(DetectorSettings(name=name, model=model), progress)


ACTIONS: dict[str, Action] = {
    "build": _build,
    "calibrate": _calibrate,
    "plan": _plan,
    "inspect": _inspect,
    "sign": _sign,
    "verify": _verify,
}
