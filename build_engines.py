"""Build, verify and inspect engine pairs: a thin command over `engines`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from engines.build import build_pair
from engines.catalogue import find_entry
from engines.catalogued_pair import build_request
from engines.errors import (
    EnginesError,
    EntryError,
    RecipeError,
    UnknownEntryError,
)
from engines.golden import golden_faces
from engines.manifest import read_manifest
from engines.named_recipes import find_recipe
from engines.pair_report import acceptance_text, manifest_tables, verification_table
from engines.recipe import Recipe
from engines.verify import verify_pair

EXIT_FAILED = 1
EXIT_USAGE = 64
EXIT_CONFIG = 78
EXIT_INTERRUPTED = 130

DESCRIPTION = """\
An engine pair is a folder with a face recognition network (dense), a pruned copy of it, and
pair.yaml, the manifest that says what they are and how far pruning moves the embeddings of known
faces. The gate scores a face by how far pruning moves its embedding (arXiv 2605.13396).
"""

EXAMPLES = """\
examples:
  python build_engines.py build --out pairs/default
  python build_engines.py build --network my-network.yaml --sparsity 0.05 --out pairs/mine
  python build_engines.py inspect pairs/default
  python build_engines.py verify pairs/default

exit codes: 0 done, 1 failed or refused, 64 wrong command line, 78 wrong catalogue entry
"""

BUILD_NOTES = """\
The network is obtained, its BatchNormalization folded, channels that say nothing removed, and a
copy pruned by a recipe. Both networks then embed the golden faces (known people, from registry
packages). A pair is refused when pruning broke the network (it no longer tells these people
apart: use a lower sparsity) or hardly moved it (the shift is rounding: use a higher one).

A pair already in DIR is replaced only when the new one is complete and proved.

A network of your own needs an entry file: see configs/networks/ for one with every key.
"""

Command = Callable[[argparse.Namespace, Progress], int]


class _Parser(argparse.ArgumentParser):
    """argparse exits with 2 on a wrong command line; sysexits(3) calls that 64."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="build_engines.py",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_build(commands)
    inspect = commands.add_parser("inspect", help="print the manifest and what was pruned where")
    inspect.add_argument("pair", type=Path, metavar="DIR", help="folder of an engine pair")
    verify = commands.add_parser("verify", help="check files and golden vectors on this machine")
    verify.add_argument("pair", type=Path, metavar="DIR", help="folder of an engine pair")
    verify.add_argument(
        "--faces", action="store_true", help="embed all golden faces again too; may fetch them"
    )
    _add_threads(verify)
    return parser


def _add_build(commands: "argparse._SubParsersAction[_Parser]") -> None:
    build = commands.add_parser(
        "build",
        help="build an engine pair",
        description=BUILD_NOTES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    build.add_argument("--out", type=Path, required=True, metavar="DIR", help="the pair's folder")
    build.add_argument(
        "--network",
        default="mobilefacenet512",
        metavar="NAME",
        help="catalogue name, or path of an entry file of your own (default: %(default)s)",
    )
    build.add_argument(
        "--recipe",
        choices=("fast", "best", "paper"),
        help="a measured recipe for this network: fast costs little more than one embedding, best "
        "measures best at any cost, paper is the published one (default: fast where known)",
    )
    _add_recipe(build)
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
        choices=("magnitude", "channel"),
        help=f"prune what is small, or small for its channel (default: {usual.importance})",
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


def _build(arguments: argparse.Namespace, progress: Progress) -> int:
    entry = find_entry(arguments.network)
    recipe = _asked_recipe(arguments, entry.name)
    request = build_request(entry, recipe, arguments.threads, progress)
    manifest = build_pair(replace(request, form=arguments.form), arguments.out, progress)
    print(f"{arguments.out}: engine pair {manifest.pair_id} of {manifest.network.name}")
    print(acceptance_text(manifest.acceptance))
    return 0


def _asked_recipe(arguments: argparse.Namespace, network: str) -> Recipe | None:
    """Return the recipe that the command line names or spells out; None if it does neither."""
    names = ("sparsity", "scope", "count", "importance", "layers", "keep_dense")
    given = {name: getattr(arguments, name) for name in names}
    spelled: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    if arguments.recipe is None:
        return Recipe(**spelled) if spelled else None
    if spelled:
        first = next(iter(spelled)).replace("layers", "layer").replace("_", "-")
        raise RecipeError(f"--recipe {arguments.recipe} is a whole recipe: leave out --{first}")
    return find_recipe(network, arguments.recipe)


def _inspect(arguments: argparse.Namespace, progress: Progress) -> int:  # noqa: ARG001
    Console(markup=False, highlight=False).print(manifest_tables(read_manifest(arguments.pair)))
    return 0


def _verify(arguments: argparse.Namespace, progress: Progress) -> int:
    specification = read_manifest(arguments.pair).specification
    golden = golden_faces(specification, progress) if arguments.faces else None
    found = verify_pair(arguments.pair, arguments.threads, golden)
    Console(markup=False, highlight=False).print(verification_table(found))
    return EXIT_FAILED if found.faults else 0


COMMANDS: dict[str, Command] = {"build": _build, "inspect": _inspect, "verify": _verify}


def _exit_code(error: EnginesError) -> int:
    if isinstance(error, EntryError):
        return EXIT_CONFIG
    return EXIT_USAGE if isinstance(error, UnknownEntryError | RecipeError) else EXIT_FAILED


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 failed, 64 usage, 78 catalogue entry."""
    arguments = _parser().parse_args(argv)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    screen = Console(stderr=True)
    try:
        with Progress(
            *columns, console=screen, transient=True, disable=not screen.is_terminal
        ) as progress:
            return COMMANDS[arguments.command](arguments, progress)
    except KeyboardInterrupt:
        print("interrupted; nothing was changed", file=sys.stderr)
        return EXIT_INTERRUPTED
    except EnginesError as error:
        print(f"build_engines.py {arguments.command}: {error}", file=sys.stderr)
        return _exit_code(error)


if __name__ == "__main__":
    sys.exit(main())
