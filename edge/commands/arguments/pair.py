"""The builder's command line: what can be said, and what `--help` teaches."""

import argparse
from collections.abc import Callable
from typing import get_args

from edge.commands.arguments.plans import add_plan_arguments
from edge.commands.arguments.shared.numbers import between
from edge.commands.arguments.shared.paths import to_path
from engines.pruning.recipe import COST_AT_MOST, Importance, Recipe, Structure

DESCRIPTION = """\
An engine pair is a folder with a face recognition network (dense), a pruned copy of it, and
pair.yaml, the manifest that says what they are and how far pruning moves the embeddings of known
faces. The gate scores a face by how far pruning moves its embedding (arXiv 2605.13396).
"""

EXAMPLES = """\
examples:
  edge-gate pair build --out pairs/default
  edge-gate pair build --network my-network.onnx --out pairs/mine    # writes my-network.yaml
  edge-gate pair build --network my-network.yaml --sparsity 0.05 --out pairs/mine
  edge-gate pair calibrate --images my-photographs --plot sweep.png --out pairs/mine
  edge-gate pair inspect pairs/default
  edge-gate pair verify pairs/default
  edge-gate pair sign pairs/default --key pair-key.pem
  edge-gate pair verify pairs/default --key pair-key.pub.pem
  edge-gate pair plan --backend tensorrt
  edge-gate pair build --backend tensorrt --out pairs/jetson   # on the device
  edge-gate pair verify pairs/jetson --device

exit codes: 0 done, 1 failed or refused, 64 wrong command line, 78 wrong catalogue entry
"""

BUILD_NOTES = """\
The network is obtained, its BatchNormalization folded, channels that say nothing removed, and a
copy pruned by a recipe. Both networks then embed the golden faces (known people, from registry
packages). A pair is refused when pruning broke the network (it no longer tells these people
apart: use a lower sparsity) or hardly moved it (the shift is rounding: use a higher one).

What the measure is worth is printed and written to the manifest: whether it foretells which
comparisons among the golden faces and their degraded copies fail (pAUC of error versus discard),
beside the free embedding norm, with 95 % intervals. A measure that is not better than the norm is
refused, unless --accept-worse says otherwise; what could be had instead is then judged too:
--quality recognisability, how far the embedding lies from those of unrecognisable faces (one pass),
--quality both, that and the shift, --quality norm, or --quality gate, mobilefacenet512 beside the
recogniser.

A pair already in DIR is replaced only when the new one is complete and proved, in one step: a power
cut leaves the old pair or the new one. A file system that cannot exchange folders (NFS, FAT) takes
two steps; killed just between them, the next build puts the old pair back first.

A network of your own is its ONNX file. Where NAME.yaml beside NAME.onnx is missing, the entry is
proposed and written: size, layout and embedding length are read from the graph, colour order and
scaling are those of the common ones that separate faces in colour best, the template is ArcFace's.
An entry of yours is held against the same faces, and a colour order that separates them worse is
warned of. configs/networks/ has one with every key.
"""

CALIBRATE_NOTES = """\
Tries recipes on faces and takes one, so that embedding and score cost at most --cost times the
embedding: pruning the last layer, one of the last layers, or the last few; three or eight
neighbours anywhere, the middle, or all layers, which cost more the earlier they lie.

Without --labels nobody needs to know who is on the photographs. They join the golden faces, each is
degraded six times by seeded camera faults, and comparisons are made among them: a photograph with
its own copies, and known people's photographs with each other. A recipe is as good as its score
foretells which of these fail (pAUC of error versus discard, FMR 1e-2 and 1e-3), beside the free
embedding norm; it must also keep the order of comparisons (agreement) and move embeddings by more
than rounding. It is a race: all recipes run on few faces, the better half goes on. Among the best
within 0.01 a cheap one is taken, of these the one whose score differs least between people.
The last line says what the choice is worth beside the norm, with its interval; docs/measured.md
says how often such a line was right on networks that no rule was chosen on.

With --labels (CSV: image_a, image_b, mated, optionally fold; paths below --images) 40 % of the
photographs are degraded, the recipe of the least pAUC at FMR 1e-2 on the first half of the folds is
taken, and its pAUC on the other half is reported next to that of the embedding norm. Several seeds
(--seed 0,1,2) compare every pair several times, differently degraded: a steadier choice.

--out builds the pair. Its scores are then shares of your photographs instead of the reference
faces; each image of them that was compared counts alike, degraded or not.
"""

VERIFY_NOTES = """\
Compares every file with its hash and replays the golden vectors: with ONNX Runtime, on any
machine. For a pair with TensorRT plans it also says whether they would load here, and what FP16
does to embeddings, shift and quality order (emulated on the CPU). --device runs the plans on this
GPU, compares them with FP32, times them, and writes the acceptance into their manifests. With --key
the signature is checked before all else.
"""

SIGN_NOTES = """\
Writes pair.yaml.sig beside the manifest: an Ed25519 signature (RFC 8032) of its bytes. The manifest
holds the hash of every network, plan and golden vector, and these are compared first. Make the keys
once, and keep the private one off the devices:

  openssl genpkey -algorithm ed25519 -out pair-key.pem
  openssl pkey -in pair-key.pem -pubout -out pair-key.pub.pem

A device with 'engine: {pair_key: pair-key.pub.pem}' in its configuration takes signed pairs only.
Building a pair again, or its plans, drops the signature; its id has nothing to do with it.
"""

PLAN_NOTES = "Build the pair in a scratch folder and say what its plans would be."
INSPECT_NOTES = """\
Print the manifest and which plans there are; opens no network. With --of OLD, print instead what
thresholds of an older pair become on this one. Scores of different pairs mean different things:
pairs of 0.1 score 50 at the median of undegraded golden faces, later ones say what share of
reference faces is worse.

  edge-gate pair inspect pairs/new --of pairs/old --threshold 58
"""

PLAN_HELP = "for this GPU, or for TensorRT-RTX (default: %(default)s)"
BACKEND_HELP = (
    "onnxruntime runs on any CPU, and so does openvino, faster on many; tensorrt adds plans for "
    "this GPU; rtx adds TensorRT-RTX plans (default: %(default)s)"
)


ACCEPT_WORSE = "build the pair though its measure is not better than the free embedding norm"
NETWORK_HELP = (
    "catalogue name, or path of an ONNX file of your own or of its entry (default: %(default)s)"
)


RECIPE_OF = "take the recipe of the engine pair in this folder, such as one that calibrate found"
SECOND_OPINION = (
    "entry of a quality network of yours (configs/networks/lightqnet.yaml) that has a say in the "
    "score: both rank a face, and the mean of the ranks counts. LightQNet lowered the pAUC to 0.76 "
    "to 0.96 of the shift's on four networks (docs/measured.md); 'engine: {second_opinion: false}' "
    "goes without it"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one subcommand for each thing that can be done with a pair."""
    parser.description, parser.epilog = DESCRIPTION, EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (add, help_text, notes) in ACTIONS.items():
        add(
            actions.add_parser(
                name,
                help=help_text,
                description=notes,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )


def _add_calibrate(calibrate: argparse.ArgumentParser) -> None:
    add = calibrate.add_argument
    add("--network", default="mobilefacenet512", metavar="NAME", help=NETWORK_HELP)
    add("--images", type=to_path, required=True, metavar="DIR", help="photographs of faces")
    add("--labels", type=to_path, metavar="CSV", help="pairs of them, mated or not")
    add("--out", type=to_path, metavar="DIR", help="build the pair into this folder")
    add("--plot", type=to_path, metavar="FILE", help="draw the sweep as PNG")
    add("--table", type=to_path, metavar="FILE", help="write the whole sweep as CSV")
    cost = f"of embedding and score over the embedding; from 2 all layers (default: {COST_AT_MOST})"
    add("--cost", type=float, default=COST_AT_MOST, metavar="RATIO", help=cost)
    faces = "photographs looked at, without --labels (default: %(default)s)"
    add("--accept-worse", action="store_true", help=ACCEPT_WORSE)
    add("--faces", type=int, default=300, metavar="N", help=faces)
    seeds = "of the degradations; several with --labels compare each pair for each (default: 0)"
    add("--seed", type=_seeds, default=(0,), metavar="N,…", help=seeds)
    _add_threads(calibrate)


def _seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(dict.fromkeys(int(seed) for seed in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: whole numbers, such as 0 or 0,1,2") from None
    if min(seeds) < 0:
        raise argparse.ArgumentTypeError(f"{min(seeds)} is below 0")
    return seeds


def _add_inspect(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument("pair", type=to_path, metavar="DIR", help="folder of an engine pair")
    old = "an older pair of the same network and recipe: what its thresholds are on this one"
    inspect.add_argument("--of", type=to_path, metavar="OLD", help=old)
    one = "with --of: this threshold only (default: every tenth)"
    inspect.add_argument("--threshold", type=between(0, 100), metavar="SCORE", help=one)


def _add_sign(sign: argparse.ArgumentParser) -> None:
    sign.add_argument("pair", type=to_path, metavar="DIR", help="folder of an engine pair")
    sign.add_argument(
        "--key", type=to_path, required=True, metavar="FILE", help="private Ed25519 key (PEM)"
    )


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("pair", type=to_path, metavar="DIR", help="folder of an engine pair")
    verify.add_argument(
        "--key",
        type=to_path,
        metavar="FILE",
        help="public key (PEM) that must have signed the pair",
    )
    verify.add_argument(
        "--faces", action="store_true", help="embed all golden faces again too; may fetch them"
    )
    verify.add_argument(
        "--fp16", action="store_true", help="show what FP16 does to a pair that has no plans yet"
    )
    verify.add_argument(
        "--device",
        action="store_true",
        help="run the plans here and write their acceptance; the first time build them with the "
        "other form of PRelu too (minutes) and keep the faster",
    )
    verify.add_argument(
        "--detector-model", type=to_path, metavar="FILE", help="with --device: the file of YuNet"
    )
    _add_threads(verify)


def _add_plan(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("--backend", choices=("tensorrt", "rtx"), default="tensorrt", help=PLAN_HELP)
    _add_network(plan)
    add_plan_arguments(plan)


def _add_build(build: argparse.ArgumentParser) -> None:
    build.add_argument(
        "--out", type=to_path, required=True, metavar="DIR", help="the pair's folder"
    )
    build.add_argument(
        "--backend",
        choices=("onnxruntime", "openvino", "tensorrt", "rtx"),
        default="onnxruntime",
        help=BACKEND_HELP,
    )
    _add_network(build)
    add_plan_arguments(build)


def _add_network(build: argparse.ArgumentParser) -> None:
    """Add which network to take, how to prune it, and the form to write it in."""
    build.add_argument("--network", default="mobilefacenet512", metavar="NAME", help=NETWORK_HELP)
    build.add_argument(
        "--recipe",
        choices=("fast", "best", "paper", "calibrate"),
        help="fast costs little more than one embedding, best measured best at any cost, paper is "
        "the published one, calibrate finds one on the golden faces (default: for "
        "face-reidentification-retail-0095 best, for other networks that were measured fast, "
        "else calibrate)",
    )
    build.add_argument("--recipe-of", type=to_path, metavar="DIR", help=RECIPE_OF)
    _add_recipe(build)
    build.add_argument(
        "--quality",
        choices=("own", "both", "recognisability", "norm", "gate"),
        help="what measures quality: the shift to the network's own pruned copy; that and how far "
        "its embedding lies from those of unrecognisable faces; the latter alone, in one pass; the "
        "norm of its embedding; or the pair of the default network, the gate's, beside this one "
        "(default: as its entry says, else own)",
    )
    build.add_argument("--accept-worse", action="store_true", help=ACCEPT_WORSE)
    build.add_argument("--second-opinion", type=to_path, metavar="FILE", help=SECOND_OPINION)
    build.add_argument(
        "--form",
        choices=("fused", "separate"),
        default="fused",
        help="one graph that computes the shared part once, without dead channels; or two plain "
        "networks to compare it with (default: %(default)s)",
    )
    _add_threads(build)


def _add_recipe(build: argparse.ArgumentParser) -> None:
    """Options without a default, so that one given means a recipe of the user's own."""
    usual = Recipe()
    own = build.add_argument_group("a recipe of your own, instead of --recipe")
    own.add_argument(
        "--sparsity",
        type=float,
        help=f"share of weights to prune, at least 0 and below 1 (default: {usual.sparsity})",
    )
    own.add_argument(
        "--scope",
        choices=("layer", "global"),
        help=f"take the share from each layer, or over all together (default: {usual.scope})",
    )
    own.add_argument(
        "--count",
        choices=("live", "all"),
        help=f"share of the weights above 1e-6, or of all (default: {usual.count})",
    )
    own.add_argument(
        "--importance",
        choices=get_args(Importance),
        help="prune what is small, small for its channel, small before BatchNormalization was "
        f"folded, or anything (default: {usual.importance})",
    )
    own.add_argument(
        "--structure",
        choices=get_args(Structure),
        help="prune single weights, whole output channels, or two of each four inputs, whatever "
        f"the sparsity (default: {usual.structure})",
    )
    for option, field, meaning in (
        ("--layer", "layers", "one of the only layers"),
        ("--keep-dense", "keep_dense", "a layer not"),
    ):
        own.add_argument(
            option,
            dest=field,
            action="append",
            metavar="LAYER",
            help=f"{meaning} to prune, as 'inspect' names it; may be given several times",
        )


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads",
        type=int,
        choices=range(1, 65),
        default=1,
        metavar="N",
        help="processor cores to use, 1 to 64 (default: %(default)s)",
    )


ACTIONS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str, str]] = {
    "build": (_add_build, "build an engine pair", BUILD_NOTES),
    "calibrate": (
        _add_calibrate,
        "find a recipe for a network on photographs of your own",
        CALIBRATE_NOTES,
    ),
    "plan": (_add_plan, "say what TensorRT plans would be built, without a GPU", PLAN_NOTES),
    "inspect": (_add_inspect, "print the manifest, what was pruned, the plans", INSPECT_NOTES),
    "sign": (_add_sign, "sign a pair, for devices that insist on it", SIGN_NOTES),
    "verify": (
        _add_verify,
        "check files, golden vectors and FP16 on this machine",
        VERIFY_NOTES,
    ),
}
"""What adds the arguments of each action, its help in one line, and what it does."""
