"""What `edge-gate models` can be told, and what its `--help` teaches."""

import argparse

EXAMPLES = """\
examples:
  edge-gate models list
  edge-gate models fetch mobilefacenet512 mtcnn
  edge-gate models path mobilefacenet512
  edge-gate models fetch configs/networks/my-network.yaml    an entry of your own

Downloads are checked by SHA-256 and kept in $EDGE_GATE_CACHE, by default ~/.cache/edge-gate;
what is there works offline.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `list`, `fetch NAME...` and `path NAME`."""
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", metavar="list | fetch | path", required=True)
    listing = actions.add_parser("list", help="show the catalogue and what is cached")
    listing.add_argument("--json", action="store_true", help="print JSON instead of a table")
    listing.add_argument("names", nargs="*", metavar="NAME", help="show only these")
    fetching = actions.add_parser("fetch", help="obtain entries and print their verified files")
    fetching.add_argument("names", nargs="+", metavar="NAME", help="name, or path to a YAML entry")
    locating = actions.add_parser("path", help="print an entry's verified files, without network")
    locating.add_argument("names", nargs=1, metavar="NAME", help="name, or path to a YAML entry")
