"""
Make `exports.tar.xz`: the networks of the zoo as the exporters themselves write them.

    pip install torch==2.13.0 onnx onnxscript       # a CPU build; in an environment of its own
    python make_zoo.py torch files
    pip install tensorflow-cpu tf2onnx              # in another one
    python make_zoo.py keras files
    python make_zoo.py pack files

Versions are in the archive's `made.json`. Of what the exporters wrote only notes are taken off
(stack traces, names of files).
"""

import importlib.metadata
import json
import sys
import tarfile
from pathlib import Path

import onnx

PACKAGES = {
    "torch": ("torch", "onnx", "onnxscript"),
    "keras": ("tensorflow-cpu", "keras", "tf2onnx"),
}


def write(model: onnx.ModelProto, path: Path) -> None:
    """Write an export without its notes."""
    for part in (model, model.graph, *model.graph.node, *model.functions):
        part.doc_string = ""
        del part.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    path.write_bytes(model.SerializeToString(deterministic=True))


def make_torch(folder: Path) -> None:
    """Export each network with both exporters, with an open batch and a frozen one."""
    import torch  # noqa: PLC0415
    from torch_networks import NETWORKS, SIDE, random_network  # noqa: PLC0415

    for name in NETWORKS:
        network, faces = random_network(name), torch.randn(1, 3, SIDE, SIDE)
        for batch, axes in (("frozen", None), ("open", {"input": {0: "batch"}})):
            path = folder / f"{name}-torchscript-{batch}.onnx"
            torch.onnx.export(
                network,
                (faces,),
                path,
                dynamo=False,
                opset_version=17 if name != "iresnet" else 11,
                input_names=["input"],
                output_names=["output"],
                dynamic_axes=axes and {**axes, "output": {0: "batch"}},
            )
            write(onnx.load(path), path)
        for batch, shapes in (("frozen", None), ("open", ({0: torch.export.Dim("batch")},))):
            path = folder / f"{name}-dynamo-{batch}.onnx"
            several = faces if shapes is None else faces.repeat(2, 1, 1, 1)
            program = torch.onnx.export(
                network,
                (several,),
                dynamo=True,
                input_names=["input"],
                output_names=["output"],
                dynamic_shapes=shapes,
                verbose=False,
            )
            write(program.model_proto, path)


def make_keras(folder: Path) -> None:
    """Convert each network by tf2onnx, with channels last and, as an option, first."""
    import tensorflow as tf  # noqa: PLC0415
    import tf2onnx  # noqa: PLC0415
    from keras_networks import NETWORKS, SIDE, random_network  # noqa: PLC0415

    for name in NETWORKS:
        signature = [tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, "input")]
        for layout, first in (("nhwc", None), ("nchw", ["input"])):
            model, _ = tf2onnx.convert.from_function(
                random_network(name), signature, opset=15, inputs_as_nchw=first
            )
            write(model, folder / f"{name}-tf2onnx-{layout}.onnx")


def record_versions(folder: Path, packages: tuple[str, ...]) -> None:
    """Add to `made.json` what made these files."""
    record = folder / "made.json"
    made = json.loads(record.read_text()) if record.exists() else {}
    made |= {each: importlib.metadata.version(each) for each in packages}
    record.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n")


def pack(folder: Path) -> None:
    """Pack the files without owner and time, those of one network side by side."""
    with tarfile.open(Path(__file__).with_name("exports.tar.xz"), "w:xz", preset=9) as archive:
        for path in sorted(folder.iterdir()):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            with path.open("rb") as file:
                archive.addfile(member, file)


def main() -> None:
    """Make the files of one framework, or pack them all."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if what == "pack":
        pack(folder)
        return
    {"torch": make_torch, "keras": make_keras}[what](folder)
    record_versions(folder, PACKAGES[what])


if __name__ == "__main__":
    main()
