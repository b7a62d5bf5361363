"""The command line's words about plans."""

import argparse
import re

from edge.commands.arguments.shared.paths import to_path

MIB = 1 << 20
USUAL_BATCH = (1, 4, 8)

PLAN_NOTES = """\
TensorRT plans are built on the device that shall run them (a Jetson), with --backend tensorrt:
minutes for each network, with progress; Ctrl-C stops at the next step and leaves nothing behind.
--backend rtx builds with TensorRT-RTX on any x86-64 CPU, to check that a network can be built.
FP16 is measured first, on the golden faces, and refused where it would change the quality order.
The face detector gets plans, too, for frames of up to 3840x2160 with the usual smallest face: its
FP16 is measured on photographs, and a network that alone moves faces too far stays in FP32.
"""


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that only plans have, in a group of their own."""
    group = parser.add_argument_group("TensorRT plans", PLAN_NOTES)
    group.add_argument(
        "--precision",
        choices=("fp16", "bf16", "fp32"),
        help="of the arithmetic inside: fp16 or fp32 of plans (default: fp16); bf16 or fp32 with "
        "--backend openvino (default: bf16 where this processor has it and the golden faces keep "
        "their order)",
    )
    group.add_argument(
        "--batch",
        type=_profile,
        default=USUAL_BATCH,
        metavar="1,U,L",
        help="batch sizes: smallest (always 1), usual, largest; 1,1,1 takes the least memory "
        "(default: 1,4,8)",
    )
    group.add_argument(
        "--workspace",
        type=_mib,
        metavar="MiB",
        help="memory for trying kernels (default: a quarter of the free memory, 256 to 2048)",
    )
    group.add_argument(
        "--typing",
        choices=("auto", "strong", "weak"),
        default="auto",
        help="FP16 as the graph says, or as TensorRT likes; auto is strong from TensorRT 10 on "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--keep-fp32",
        action="append",
        metavar="NODE",
        help="a node to compute in FP32 instead of the last linear layer; may be repeated",
    )
    group.add_argument(
        "--prelu",
        choices=("spelled", "joined"),
        default="spelled",
        help="give TensorRT each PRelu spelled out, which it fuses, or as one operator; "
        "'verify --device' times both and keeps the faster (default: %(default)s)",
    )
    group.add_argument(
        "--detector",
        choices=("mtcnn", "ultraface68", "yunet", "none"),
        default="mtcnn",
        help="face detector whose plans go with the pair's (default: %(default)s)",
    )
    group.add_argument(
        "--detector-model", type=to_path, metavar="FILE", help="your own file of the detector"
    )
    group.add_argument(
        "--timing-cache",
        type=to_path,
        metavar="FILE",
        help="kernel timings of earlier builds (default: one for each device in the cache folder)",
    )
    group.add_argument(
        "--compute-capability",
        metavar="SMxx",
        help="with --backend rtx: the GPU to build for, for example SM86 (default: any)",
    )


def given_plan_options(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the options of plans that the command line changed, as it spells them."""
    parser = argparse.ArgumentParser()
    add_plan_arguments(parser)
    usual = vars(parser.parse_args([]))
    changed = [name for name, value in usual.items() if getattr(arguments, name) != value]
    return tuple(f"--{name.replace('_', '-')}" for name in changed)


def _profile(text: str) -> tuple[int, int, int]:
    numbers = re.fullmatch(r"(\d+),(\d+),(\d+)", text)
    sizes = [int(number) for number in numbers.groups()] if numbers else []
    if not sizes or sizes[0] != 1 or sizes != sorted(sizes):
        raise argparse.ArgumentTypeError(f"{text!r}: give three ascending sizes from 1, as 1,4,8")
    smallest, usual, largest = sizes
    return smallest, usual, largest


def _mib(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: give a number of MiB, as 512")
    return int(text) * MIB
