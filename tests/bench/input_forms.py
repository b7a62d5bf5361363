"""
Which colour order and scaling the proposal finds: `python tests/bench/input_forms.py x.onnx …`.

Without a network, those of the catalogue. Each is taken as a bare file, ArcFace's template assumed;
an entry (`x.yaml`) lends its template.
"""

import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2]))

from engines.build.input_forms import common_forms, try_forms
from engines.build.own_network import stated_specification
from engines.build.report import forms_table
from engines.catalogue.catalogue import entries, fetch, find_entry
from engines.graph.network import load_network
from engines.graph.onnx_file import read_onnx


def tried(name):
    if name.endswith(".onnx"):
        network, template = Path(name), None
    else:
        entry = find_entry(name)
        (network,) = fetch(entry)
        template = entry.specification.template if entry.specification else None
    stated = stated_specification(read_onnx(network)[0], network)
    form = replace(stated, template=template or stated.template)
    return try_forms(load_network(network, form), common_forms(form))


def main():
    networks = [each.name for each in entries() if each.kind == "network"]
    console = Console(width=90, highlight=False)
    for name in sys.argv[1:] or networks:
        console.print(name, forms_table(tried(name)))


if __name__ == "__main__":
    main()
