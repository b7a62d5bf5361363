"""Entry files of the user: what is accepted, and what each mistake says."""

from pathlib import Path

import pytest

from engines.catalogue.download import Url
from engines.catalogue.entry import ARCFACE_TEMPLATE, read_catalogue, read_entry
from engines.catalogue.package_clients import Archive
from engines.catalogue.registry import RegistryMember
from engines.catalogue.values import UserFile
from engines.errors import EntryError

NETWORK = """\
name: mine
kind: network
licence: own
embedding_length: 256
specification: {width: 112, height: 112, colour: rgb, mean: 0, scale: 1e-1, template: arcface}
files:
  - {name: mine.onnx, file: mine.onnx}
"""
DETECTOR = """\
name: mine
kind: detector
licence: own
files:
  - name: a.onnx
"""
SHA = "a" * 64


def entry_file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_users_network_is_read_with_its_file_beside_the_entry(tmp_path: Path):
    entry = read_entry(entry_file(tmp_path, NETWORK))
    assert entry.files[0].source == UserFile(tmp_path / "mine.onnx")
    assert entry.files[0].sha256 is None
    assert entry.embedding_length == 256


def test_the_output_of_a_network_is_chosen_by_name(tmp_path: Path):
    assert read_entry(entry_file(tmp_path, NETWORK)).output is None
    assert read_entry(entry_file(tmp_path, NETWORK + "output: fc1\n")).output == "fc1"


def test_the_specification_is_read_with_numbers_as_people_write_them(tmp_path: Path):
    specification = read_entry(entry_file(tmp_path, NETWORK)).specification
    assert specification is not None
    assert (specification.mean, specification.scale) == (0.0, 0.1)
    assert specification.layout == "nchw"
    assert specification.template == ARCFACE_TEMPLATE


def test_mean_and_scale_are_read_for_each_channel(tmp_path: Path):
    text = NETWORK.replace("mean: 0, scale: 1e-1", "mean: [123.7, 116, 103.5], scale: [58, 57, 57]")
    specification = read_entry(entry_file(tmp_path, text)).specification
    assert specification is not None
    assert specification.mean == (123.7, 116.0, 103.5)
    assert specification.scale == (58.0, 57.0, 57.0)


def test_a_grey_network_is_read(tmp_path: Path):
    entry = read_entry(entry_file(tmp_path, NETWORK.replace("rgb", "grey")))
    assert entry.specification is not None
    assert entry.specification.colour == "grey"


def test_a_template_is_read_in_pixels(tmp_path: Path):
    points = "[[30, 50], [80.5, 50], [56, 70], [40, 90], [70, 90]]"
    entry = read_entry(entry_file(tmp_path, NETWORK.replace("arcface", points)))
    assert entry.specification is not None
    assert entry.specification.template[1] == (80.5, 50.0)


def test_a_url_and_an_archive_are_read(tmp_path: Path):
    text = (
        DETECTOR
        + f"""\
    url: https://example.org/a.onnx
    sha256: {SHA}
  - name: b.onnx
    archive: {{client: npm, package: "@scope/tiny", version: 1.0.0, sha256: {SHA}}}
    member: package/b.onnx
    sha256: {SHA}
"""
    )
    first, second = read_entry(entry_file(tmp_path, text)).files
    assert first.source == Url("https://example.org/a.onnx")
    archive = Archive("npm", "@scope/tiny", "1.0.0", SHA)
    assert second.source == RegistryMember(archive, "package/b.onnx")


QUALITY = NETWORK.replace("kind: network", "kind: quality").replace(
    "embedding_length: 256", "direction: lower"
)


def test_a_quality_network_is_read_with_its_direction(tmp_path: Path):
    entry = read_entry(entry_file(tmp_path, QUALITY))
    assert (entry.kind, entry.direction, entry.embedding_length) == ("quality", "lower", None)


def test_a_template_of_eyes_and_mouth_is_read(tmp_path: Path):
    text = QUALITY.replace("arcface", "[[30, 50], [80.5, 50], [56, 90]]")
    specification = read_entry(entry_file(tmp_path, text)).specification
    assert specification is not None
    assert specification.template == ((30.0, 50.0), (80.5, 50.0), (56.0, 90.0))


ARCHIVE = f"archive: {{client: npm, package: tiny, version: 1.0.0, sha256: {SHA}}}"
MISTAKES = {
    "unknown key": (NETWORK + "licens: x\n", "licens: Extra inputs are not permitted"),
    "duplicate key": (NETWORK + "name: other\n", "key 'name' is given twice.*line 8"),
    "missing key": (NETWORK.replace("licence: own\n", ""), "licence: Field required"),
    "wrong kind": (NETWORK.replace("kind: network", "kind: camera"), "kind: .*'camera'"),
    "no files": (NETWORK[: NETWORK.index("files")] + "files: []\n", "files: .*at least 1"),
    "zero scale of one channel": (
        NETWORK.replace("1e-1", "[58, 0, 57]"),
        "specification: scale .* cannot be 0",
    ),
    "mean of two channels": (
        NETWORK.replace("mean: 0", "mean: [1, 2]"),
        "mean.three channels.2: .*required",
    ),
    "grey of three means": (
        NETWORK.replace("rgb", "grey").replace("mean: 0", "mean: [1, 2, 3]"),
        "a grey image has one channel",
    ),
    "zero scale": (NETWORK.replace("1e-1", "0"), "specification: scale .* cannot be 0"),
    "not a number": (
        NETWORK.replace("mean: 0", "mean: .nan"),
        "specification.mean.number: .*finite",
    ),
    "wrong colour": (
        NETWORK.replace("rgb", "yuv"),
        "specification.colour: .*'bgr', 'rgb' or 'grey'",
    ),
    "huge width": (NETWORK.replace("width: 112", "width: 9999"), "width: .*1024, got 9999"),
    "template of another size": (NETWORK.replace("width: 112", "width: 128"), "112x112"),
    "template as fractions of a point outside": (
        NETWORK.replace("arcface", "[[1, 1], [200, 1], [5, 5], [1, 9], [9, 9]]"),
        "outside",
    ),
    "template on one line": (
        NETWORK.replace("arcface", "[[5, 1], [5, 2], [5, 3], [5, 4], [5, 5]]"),
        "one line",
    ),
    "template of four points": (
        NETWORK.replace("arcface", "[[5, 1], [5, 2], [5, 3], [5, 4]]"),
        "template",
    ),
    "network without specification": (
        DETECTOR.replace("detector", "network") + "    file: a\n",
        "needs 'specification'",
    ),
    "detector with embedding": (
        DETECTOR.replace("licence", "embedding_length: 9\nlicence") + "    file: a\n",
        "not for detector",
    ),
    "detector with output": (
        DETECTOR.replace("licence", "output: fc1\nlicence") + "    file: a\n",
        "'output' is not for detector",
    ),
    "quality network without direction": (
        QUALITY.replace("direction: lower\n", ""),
        "kind quality needs 'specification' and 'direction'",
    ),
    "quality network of another direction": (
        QUALITY.replace("lower", "up"),
        "direction: .*'higher' or 'lower', got 'up'",
    ),
    "quality network with embedding": (
        QUALITY.replace("direction", "embedding_length: 9\ndirection"),
        "'embedding_length' is not for quality",
    ),
    "quality network of two files": (QUALITY + "  - {name: b, file: b}\n", "is one file"),
    "network with direction": (NETWORK + "direction: lower\n", "'direction' is not for network"),
    "no source": (DETECTOR, r"files\.0: give exactly one of 'archive'"),
    "two sources": (DETECTOR + "    file: a\n    url: https://x/a\n", "exactly one"),
    "url without hash": (DETECTOR + "    url: https://x/a\n", "'sha256' is needed"),
    "url of a file": (DETECTOR + f"    url: file:///a\n    sha256: {SHA}\n", "use 'file'"),
    "short hash": (DETECTOR + "    url: https://x/a\n    sha256: abc\n", "sha256: .*got 'abc'"),
    "member without archive": (DETECTOR + "    file: a\n    member: b\n", "belong together"),
    "member outside": (
        DETECTOR + f"    {ARCHIVE}\n    member: ../b\n    sha256: {SHA}\n",
        r"without '\.\.'",
    ),
    "archive of no catalogue": (
        DETECTOR + f"    archive: faceplugin\n    member: b\n    sha256: {SHA}\n",
        "archive 'faceplugin' is not a name",
    ),
    "package like an option": (
        DETECTOR + f"    {ARCHIVE.replace('tiny', '--global')}\n    member: b\n",
        "package",
    ),
    "version like a range": (
        DETECTOR + f"    {ARCHIVE.replace('1.0.0', '>=1')}\n    member: b\n",
        "version",
    ),
    "not YAML": ("a: [", "not valid YAML"),
    "a list": ("- a\n", "entry: .*dictionary"),
    "empty": ("", "entry: .*dictionary"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_names_the_file_the_key_and_what_is_wrong(tmp_path: Path, mistake: str):
    text, message = MISTAKES[mistake]
    path = entry_file(tmp_path, text)
    with pytest.raises(EntryError, match=f"(?s)^{path}: .*{message}"):
        read_entry(path)


def test_every_mistake_of_a_file_is_reported_at_once(tmp_path: Path):
    text = NETWORK.replace("rgb", "yuv").replace("licence: own", "licence: ''")
    with pytest.raises(EntryError) as caught:
        read_entry(entry_file(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 2


def test_a_missing_entry_file_is_named(tmp_path: Path):
    with pytest.raises(EntryError, match=r"none\.yaml: cannot be read"):
        read_entry(tmp_path / "none.yaml")


def test_a_binary_file_is_no_entry(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EntryError, match="cannot be read"):
        read_entry(path)


def test_a_catalogue_gives_archives_a_name(tmp_path: Path):
    text = f"""\
archives:
  tiny: {{client: pip-wheel, package: tiny, version: 1.0.0, sha256: {SHA}}}
entries:
  - name: mine
    kind: detector
    licence: own
    files: [{{name: a, archive: tiny, member: a, sha256: {SHA}}}]
"""
    (entry,) = read_catalogue(entry_file(tmp_path, text))
    archive = Archive("pip-wheel", "tiny", "1.0.0", SHA)
    assert entry.files[0].source == RegistryMember(archive, "a")
