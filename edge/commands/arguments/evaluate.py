"""What `edge-gate evaluate` can be told, and what its `--help` teaches."""

import argparse
from pathlib import Path

from edge.commands.arguments.shared.cluster import add_cluster_arguments
from edge.commands.arguments.shared.numbers import between, to_number, whole
from edge.commands.arguments.shared.paths import to_path
from edge.evaluation.measure_names import BY_DEFAULT, MEASURES

DEFAULT = "(default: %(default)s)"
EPILOG = f"""\
measures (higher is better in each):
{chr(10).join(f"  {name:<10} {what}" for name, what in MEASURES.items())}

--measure takes a quality network of yours as one more measure (LightQNet, eDifFIQA, a CR-FIQA
export): an entry with kind: quality, its input, alignment and direction; an example with every key
is configs/networks/lightqnet.yaml. It aligns each face its own way, and its ms stand in the table.

PAIRS is a CSV file with the columns image_a, image_b (paths below the folder of images) and mated
(1 = same subject, 0 = different ones). A column fold divides the pairs for the accuracy; without
it, equal runs of mated and non-mated pairs (LFW's layout) are folds, else ten folds are dealt.

--degrade gives a share of the images one camera fault each, at strength 1 to 5, chosen by the seed
and the image's name alone and applied to the photograph before detection. Faults:
defocus, motion_blur, low_resolution, sensor_noise, under_exposure, over_exposure, jpeg, occlusion,
off_centre_crop.
Several seeds compare every pair once for each, so that few pairs reach a low FMR; the comparisons
are pooled, and a pair's are drawn together in the bootstrap (its intervals stay those of pairs).
An FMR that only repeated comparisons would reach is refused.

--folds keeps those a recipe was not chosen on: names of the column fold, else numbers from 1.

With --verify-with, norm is of the pair that judges; verifying_norm, of the network that compares,
stands beside it: what is free there, and what 'pair build' holds '--quality gate' against.

--convention fixed: one threshold, mated pairs only, stepwise (Schlett et al., arXiv 2303.13294).
--convention pooled: threshold estimated anew at each step over all pairs, trapezoid (CR-FIQA's
script). Their figures must not be mixed. Both are divided by range and FNMR: 1 = useless.

--groups says how the gate treats groups of people (a demographic differential of ISO/IEC 19795-10):
the share forwarded at --threshold, quantiles of the score and FNMR of each, with intervals; for
every measure the ratio of the lowest to the highest share, and how much of its variance lies
between people. GROUPS has the columns group, and image or person or both; a person is the folder
that its images lie in. Groups are yours to know: none is guessed from a face. Recipe: docs/tune.md.

OUT receives evaluation.json, edc.csv with each curve (share discarded, FNMR of the rest),
evaluation.png where there is something to draw, and faces.sqlite, which holds what was computed, so
that a run goes on where it stopped and a second one is quick. It holds embeddings, which are
biometric data: delete the folder when you are done. Exit code 1 says that an undegraded image
showed no face or could not be read; its pairs are left out and counted.

With --cluster the workers of a Dask cluster measure the faces; they need this release, the pairs
and the images under the same paths. OUT/parts keeps what they found as Parquet, embeddings too: the
same command goes on there, and another list, pair or setting is refused. This machine judges.

examples:
  edge-gate evaluate --pairs lfw/pairs.csv --images lfw/images --degrade 1
  edge-gate evaluate --pairs lfw/pairs.csv --images lfw/images --folds 3,4,5 --degrade 1,2,3,4
  edge-gate evaluate --pairs p.csv --images faces --measures prefiqs,norm --json >figures.json
  edge-gate evaluate --pairs p.csv --images faces --measure configs/networks/lightqnet.yaml
  edge-gate evaluate --pairs p.csv --images faces --pair pairs/small --verify-with pairs/large
  edge-gate evaluate --pairs p.csv --images faces --groups groups.csv --threshold 50
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = EPILOG
    _add_inputs(parser)
    _add_measuring(parser)
    parser.add_argument(
        "--out", type=to_path, default=Path("evaluation"), metavar="DIR", help=f"folder {DEFAULT}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    add_cluster_arguments(parser)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--pairs", type=to_path, required=True, metavar="PAIRS", help="CSV file of pairs")
    add("--images", type=to_path, required=True, metavar="DIR", help="folder of the pairs' images")
    judge = f"engine pair that judges {DEFAULT}"
    add("--pair", type=to_path, default=Path("pairs/mobilefacenet512"), metavar="DIR", help=judge)
    other = "engine pair whose dense network compares instead: quality of one network judged by the"
    add("--verify-with", type=to_path, metavar="DIR", help=f"{other} errors of another")
    add("--folds", type=_to_names, default=(), metavar="A,B", help="only these folds of the pairs")
    seeds = "also evaluate with some images degraded, once for each seed"
    add("--degrade", type=_to_seeds, default=(), metavar="SEED,…", help=seeds)
    add("--groups", type=to_path, metavar="GROUPS", help="CSV file of groups of people")
    at = f"quality score whose forwarded share is compared, with --groups {DEFAULT}"
    add("--threshold", type=between(0, 100), default=30.0, metavar="SCORE", help=at)
    share = f"share of the images to degrade {DEFAULT}"
    add("--degrade-share", type=_to_share, default=0.4, metavar="SHARE", help=share)


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    add, few = parser.add_argument, f"of agreement and spread {DEFAULT}"
    add(
        "--measures",
        type=_to_measures,
        default=BY_DEFAULT,
        metavar="A,B",
        help="default: all but fused",
    )
    rival = "entry of a quality network, judged too; may be given several times"
    add("--measure", type=to_path, action="append", default=[], metavar="FILE", help=rival)
    add("--convention", choices=("fixed", "pooled"), default="fixed", help=DEFAULT)
    add("--passes", type=_to_several, default=100, metavar="N", help=f"of serfiq {DEFAULT}")
    add("--copies", type=_to_several, default=3, metavar="N", help=few)
    behind = (
        "agreement and spread prune only the last N layers, behind one trunk (default: every one)"
    )
    add("--copies-last", type=_to_several, metavar="N", help=behind)
    add("--detector", choices=("mtcnn", "ultraface68", "yunet"), default="mtcnn", help=DEFAULT)
    add("--detector-model", type=to_path, metavar="FILE", help="your own file of the detector")
    cores = f"of every network, 1 to 64 {DEFAULT}"
    add("--threads", type=int, choices=range(1, 65), default=1, metavar="N", help=cores)


def _to_names(text: str) -> tuple[str, ...]:
    """Return what commas separate, each once."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",")))


def _to_seeds(text: str) -> tuple[int, ...]:
    """Return whole numbers from 0."""
    return tuple(whole(0, 2**32 - 1)(name) for name in _to_names(text))


def _to_measures(text: str) -> tuple[str, ...]:
    """Return names of measures."""
    names = _to_names(text)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no measure {unknown[0]!r}; choose from {', '.join(MEASURES)}"
        )
    return names


def _to_share(text: str) -> float:
    """Return a number above 0, at most 1."""
    share = to_number(text)
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return share


def _to_several(text: str) -> int:
    """Return a whole number of at least 2."""
    return whole(2, 1_000_000)(text)
