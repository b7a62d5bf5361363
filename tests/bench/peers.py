"""
Print what a pair costs beside its published file in other libraries, and beside the machine itself.

    python -m tests.bench.peers --pair pairs/mobilefacenet512

ncnn with its converter, OpenCV, OpenVINO and ONNX Runtime are installed from the registry into a
virtual environment that is thrown away (1 GB, a minute). Then all are timed in one run, in turn, on
one processor with one thread: processor time of one face, medians, and medians of paired ratios.
All compute in float32 unless told; ncnn keeps its own defaults. How near each comes to ONNX
Runtime's embeddings of the published file is printed too: a library that computed something else
would be no peer.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx

from engines.catalogue.catalogue import fetch, find_entry
from engines.graph.onnx_file import read_onnx
from engines.graph.prelu import spell_out_prelu
from engines.pair.manifest import Manifest, read_manifest
from engines.pair.pair import golden_vectors_of
from engines.quality.preprocess import prepare

ROOT = Path(__file__).resolve().parents[2]
PINNED = ("numpy", "onnxruntime", "opencv-python-headless", "openvino")
"""Installed in the versions of constraints.txt."""
OTHERS = ("ncnn==1.0.20261020", "pnnx==20261020")
"""Without what they require: pnnx names PyTorch, which its program does not need."""
Told: TypeAlias = dict[str, Any]
"""See `peers_in_turn`."""
OURS, THEIRS = "pair, ONNX Runtime", "published, ONNX Runtime"
SPELLED = "spelled, ONNX Runtime"


def environment(folder: Path) -> Path:
    """Return the interpreter of a new virtual environment that has the peers."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip: list[str | Path] = [
        folder / "bin" / "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, "-c", ROOT / "constraints.txt", *PINNED], check=True)
    subprocess.run([*pip, "--no-deps", *OTHERS], check=True)
    return folder / "bin" / "python"


def write_networks(folder: Path, pair: Path, manifest: Manifest) -> None:
    """Write what `peers_in_turn` reads, but for ncnn's."""
    (published,) = fetch(find_entry(manifest.network.name))
    shutil.copyfile(published, folder / "published.onnx")
    spelled = spell_out_prelu(read_onnx(published)[0])
    (folder / "spelled.onnx").write_bytes(spelled.SerializeToString())
    shutil.copyfile(pair / manifest.files["fused"].name, folder / "pair.onnx")
    (folder / "product.onnx").write_bytes(_product().SerializeToString())
    images = golden_vectors_of(pair, manifest).images
    np.save(folder / "faces.npy", prepare(images, manifest.specification))


def _product() -> onnx.ModelProto:
    """Return a network that multiplies two square matrices."""
    names, square = ("a", "b", "product"), ["side", "side"]
    a, b, product = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, square) for name in names
    )
    node = onnx.helper.make_node("MatMul", ["a", "b"], ["product"])
    body = onnx.helper.make_graph([node], "product", [a, b], [product])
    return onnx.helper.make_model(
        body, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8
    )


def convert_for_ncnn(folder: Path, python: Path) -> None:
    """Convert the published file by ncnn's own converter, weights in float32."""
    (program,) = python.parents[1].glob("lib/python*/site-packages/pnnx/pnnx")
    program.chmod(0o755)
    shape = ",".join(str(axis) for axis in (1, *np.load(folder / "faces.npy").shape[1:]))
    files = [f"ncnnparam={folder / 'ncnn.param'}", f"ncnnbin={folder / 'ncnn.bin'}", "fp16=0"]
    asked: list[str | Path] = [program, folder / "published.onnx", f"inputshape=[{shape}]", *files]
    subprocess.run(asked, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measured(pair: Path, rounds: int) -> Told:
    """Return what `peers_in_turn` tells."""
    with tempfile.TemporaryDirectory(prefix="edge-gate-peers-") as name:
        folder = Path(name)
        python = environment(folder / "venv")
        write_networks(folder, pair, read_manifest(pair))
        convert_for_ncnn(folder, python)
        one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        done = subprocess.run(
            [python, "-m", "tests.bench.peers_in_turn", folder, str(rounds)],
            cwd=ROOT,
            env=os.environ | one,
            stdout=subprocess.PIPE,
            check=True,
        )
    return json.loads(done.stdout)


def ratio(told: Told, ours: str, theirs: str) -> str:
    """Return the median of the paired ratios, with the quartiles."""
    first, second = (np.array(told["seconds"][name]) for name in (ours, theirs))
    low, middle, high = np.quantile(first / second, (0.25, 0.5, 0.75))
    return f"**{middle:.2f}** ({low:.2f} to {high:.2f})"


def milliseconds(told: Told, name: str) -> str:
    """Return the median."""
    return f"{1000 * np.median(told['seconds'][name]):.2f}"


def row(*cells: object) -> str:
    """Return one line of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def split_table(told: Told) -> list[str]:
    """Return how the ratio to the published file in ONNX Runtime comes about."""
    spelled = "the published file, PRelu spelled out"
    return [
        row("what", "over", "ratio"),
        "|---|---|---|",
        row("the pair: embedding and score", "the published file", ratio(told, OURS, THEIRS)),
        row(f"ONNX Runtime's PRelu: {spelled}", "the published file", ratio(told, SPELLED, THEIRS)),
        row("ours: the pair", spelled, ratio(told, OURS, SPELLED)),
    ]


def peers_table(told: Told) -> list[str]:
    """Return the pair beside the published file in every library, and in OpenVINO itself."""
    rows = [
        row("what", "ms", "the pair in ONNX Runtime over it", "lowest cosine"),
        "|---|---|---|---|",
    ]
    for name, cosine in told["cosines"].items():
        shown = "1" if name == OURS else ratio(told, OURS, name)
        rows.append(row(name, milliseconds(told, name), shown, f"{cosine:.5f}"))
    return rows


def openvino_table(told: Told) -> list[str]:
    """Return the pair in OpenVINO beside the pair in ONNX Runtime, one face and four at a time."""
    rows = [row("the pair", "one face", "four together"), "|---|---|---|"]
    for name in (each for each in told["cosines"] if each.startswith("pair, OpenVINO")):
        four = ratio(told, f"{name}, four", f"{OURS}, four")
        rows.append(row(f"{name} over ONNX Runtime", ratio(told, name, OURS), four))
    return rows


def limit_table(told: Told, manifest: Manifest) -> list[str]:
    """Return at what share of the machine's own matrix product the pair computes."""
    flops, products = 2 * manifest.cost.pair, told["products"]
    pair = flops / np.array(told["seconds"][OURS]) / 1e9
    rates = {name: told["product_flops"] / np.array(told["seconds"][name]) for name in products}
    fastest = max(rates, key=lambda name: float(np.median(rates[name])))
    shares = {name: np.median(pair * 1e9 / rate) for name, rate in rates.items()}
    return [
        row("", "GFLOP", "GFLOP/s", "share"),
        "|---|---|---|---|",
        row("the pair, one face", f"{flops / 1e9:.3f}", f"{np.median(pair):.0f}", ""),
        *(
            row(
                name,
                f"{told['product_flops'] / 1e9:.3f}",
                f"{np.median(rate) / 1e9:.0f}",
                f"**{shares[name]:.2f}**" if name == fastest else f"{shares[name]:.2f}",
            )
            for name, rate in rates.items()
        ),
    ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pair", type=Path, required=True, metavar="DIR", help="an engine pair")
    parser.add_argument("--rounds", type=int, default=40, help="turns of each (default 40)")
    arguments = parser.parse_args()
    manifest = read_manifest(arguments.pair)
    told = measured(arguments.pair, arguments.rounds)
    tables = [split_table(told), peers_table(told), openvino_table(told)]
    tables.append(limit_table(told, manifest))
    lines = ["; ".join(told["versions"]), *(line for table in tables for line in ("", *table))]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
