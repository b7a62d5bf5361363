"""
No file and no address ends a command in a traceback.

A seam is where something foreign is read. Each is given files that are none, by kind and by
content, and what is right with a few bytes changed.
"""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.__main__ import EXIT_USAGE, main
from edge.config.credentials import read_secret
from edge.config.delivery import Secret
from edge.config.file import read_config
from edge.errors import ConfigError, EdgeError
from edge.evaluation.pair_list import read_pairs
from edge.monitoring.baseline import read_baseline
from edge.shadow_log.file import is_shadow_log, open_shadow_log, translated
from edge.sources.files import open_files
from edge.sources.images import read_image
from engines.catalogue.strict_yaml import read_yaml
from engines.errors import EnginesError, PairIntegrityError
from engines.graph.onnx_file import read_onnx
from engines.pair.golden_vectors import read_vectors
from engines.pair.manifest import MANIFEST_NAME, read_manifest
from engines.tensorrt.plan_header import read_header
from engines.tensorrt.sidecar import read_sidecar, sidecar_path
from tests.edge.running_gate import ROOT
from tests.pairs import put_pair

EXPECTED = (EdgeError, EnginesError, OSError)
"""What `main` turns into words and an exit code."""
CODES = {0, 1, 64, 78}


def shadow_log(path):
    with translated(path):
        open_shadow_log(path).close()


def footage(path):
    for recording in open_files([path], lambda _: None):
        for _, _frame in zip(range(3), recording.frames(), strict=False):
            pass


SEAMS = {
    "gate.yaml": read_config,
    "entry.yaml": read_yaml,
    MANIFEST_NAME: lambda path: read_manifest(path.parent),
    "golden.npz": lambda path: read_vectors(path.read_bytes(), path.name),
    "baseline.json": lambda path: read_baseline(path, "pair"),
    "network.onnx": read_onnx,
    "face.jpg": read_image,
    "face.png": read_image,
    "clip.mp4": footage,
    "clip.gif": footage,
    "pairs.csv": read_pairs,
    "shadow.sqlite": shadow_log,
    "a.plan": lambda path: read_header(path.read_bytes()[:4096], path.stat().st_size, "a.plan"),
    sidecar_path(Path("a.plan")).name: lambda path: read_sidecar(path.with_suffix("")),
}

DEEP = 100_000
HOSTILE = {
    "empty": b"",
    "NUL": b"\0" * 100,
    "not UTF-8": b"\xff\xfe\xfa" * 50,
    "brackets": b"[" * DEEP,
    "braces": b'{"a":' * DEEP,
    "dashes": b"- " * DEEP,
    "indented": "".join(f"{' ' * depth}a:\n" for depth in range(1500)).encode(),
    "aliases": b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n",
    "itself": b"&a [*a]",
    "a tag": b"!!python/object/apply:os.system [true]",
    "a long number": b"schema: " + b"9" * 10_000,
    "a long JSON number": b'{"schema": ' + b"9" * 10_000 + b"}",
    "no key": b"? [a, b]\n: c\n",
    "a merge": b"<<: [1, 2]\n",
    "a date": b"schema: 2000-99-99\n",
    "a surrogate": b'{"schema": "\\ud800"}',
    "infinity": b'{"schema": 1e999, "edges": [NaN]}',
    "a number": b"1",
    "text": b'"text"',
    "null": b"null",
    "one line": b"enrolled,probe,mated\n\x00,\x00,1",
    "quotes": b'enrolled,probe,mated\n"' + b"a" * 200_000,
}


def takes_or_refuses(seam, path):
    """Return whether it was taken; whatever is not foreseen comes through."""
    try:
        SEAMS[seam](path)
    except EXPECTED:
        return False
    return True


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("seam", SEAMS)
def test_no_content_of_a_file_is_a_defect(seam, what, tmp_path):
    path = tmp_path / seam
    path.write_bytes(HOSTILE[what])
    takes_or_refuses(seam, path)


def no_file(path):
    return path


def folder(path):
    path.mkdir()
    return path


def loop(path):
    path.symlink_to(path)
    return path


def null(path):
    path.symlink_to("/dev/null")
    return path


def long_name(path):
    return path.parent / ("a" * 5000) / path.name


@pytest.mark.parametrize("made", [no_file, folder, loop, null, long_name])
@pytest.mark.parametrize("seam", SEAMS)
def test_no_kind_of_a_file_is_a_defect(seam, made, tmp_path):
    takes_or_refuses(seam, made(tmp_path / seam))


@pytest.mark.parametrize("seam", ["entry.yaml", MANIFEST_NAME])
def test_a_pipe_in_place_of_our_own_files_is_refused_and_not_waited_for(seam, tmp_path):
    os.mkfifo(tmp_path / seam)
    assert not takes_or_refuses(seam, tmp_path / seam)


PLACES = {
    "a token": "sinks: [{type: http, url: 'https://h/x', token: {name: t, file: %s}}]",
    "authorities of a sink": "sinks: [{type: http, url: 'https://h/x', ca_file: %s}]",
    "a certificate for a sink": (
        "sinks: [{type: http, url: 'https://h/x', client_certificate: %s, client_key: %s}]"
    ),
    "a certificate of the page": (
        "sinks: [{type: stdout}]\npage: {listen: '127.0.0.1:0', certificate: %s, key: %s}"
    ),
}


@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.parametrize("place", PLACES)
def test_what_has_no_end_is_refused_wherever_a_file_is_named(place, kind, tmp_path, right, capsys):
    endless = tmp_path / "endless"
    if kind == "pipe":
        os.mkfifo(endless)
    else:
        endless.symlink_to("/dev/zero")
    pair = right["gate.yaml"].decode().splitlines()[0]
    named = PLACES[place].replace("%s", str(endless))
    config = tmp_path / "gate.yaml"
    config.write_text(f"{pair}\nsources: [{{name: a, uri: 'rtsp://127.0.0.1:9/'}}]\n{named}\n")
    assert main(["check", "--config", str(config)]) == 78
    assert "a pipe or a device" in capsys.readouterr().err


def test_a_secret_beyond_reason_is_refused(tmp_path):
    (tmp_path / "token").write_text("x" * 100_000)
    with pytest.raises(ConfigError, match="larger than"):
        read_secret(Secret(name="t", file=tmp_path / "token"), {})


def test_a_pipe_among_footage_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "clip.mp4")
    assert not is_shadow_log(tmp_path / "clip.mp4")


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    """Return the bytes of what is right, by seam."""
    folder = tmp_path_factory.mktemp("right")
    manifest, pair = put_pair(folder), folder / "pair"
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    config = f"pair: {pair}\nsources: [{{name: a, uri: a.mp4}}]\nsinks: [{{type: stdout}}]\n"
    return {
        "gate.yaml": config.encode(),
        MANIFEST_NAME: (pair / MANIFEST_NAME).read_bytes(),
        "golden.npz": (pair / manifest.golden.file.name).read_bytes(),
        "face.jpg": cv2.imencode(".jpg", picture)[1].tobytes(),
        "face.png": cv2.imencode(".png", picture)[1].tobytes(),
        "pairs.csv": b"enrolled,probe,mated\na,b,1\na,c,0\n",
    }


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_what_is_right_with_some_bytes_changed_is_no_defect(right, tmp_path, data):
    seam = data.draw(st.sampled_from(sorted(right)))
    content = bytearray(right[seam])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / seam
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    takes_or_refuses(seam, path)


def test_vectors_that_would_grow_are_refused_before_they_do():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("images.npy", b"\0" * 10_000_000)
    with pytest.raises(PairIntegrityError, match="10,000,000 bytes would come out of"):
        read_vectors(bomb.getvalue(), "golden.npz")


def test_vectors_that_claim_to_be_huge_are_refused():
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (10**15,)}
    )
    claim = io.BytesIO()
    with zipfile.ZipFile(claim, "w") as members:
        members.writestr("images.npy", header.getvalue())
    with pytest.raises(PairIntegrityError, match="no golden vectors"):
        read_vectors(claim.getvalue(), "golden.npz")


ADDRESSES = [
    "http://127.0.0.1:99999/",
    "https://exa mple/",
    "https://a..b/x",
    f"https://{'a' * 70}.example/x",
    "http://[::1/x",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:1/a\r\nX: y",
    "http://127.0.0.1:1/é",
    "http://h:x/",
    "http://",
    "://",
    "ftp://h/",
    "\0",
]
ENTRIES = (
    "sinks: [{{type: http, url: {}}}]\nsources: [{{name: a, uri: a.mp4}}]",
    "sinks: [{{type: http, url: 'http://127.0.0.1/', proxy: {}}}]\nsources: [{{name: a, uri: a}}]",
    "sinks: [{{type: mqtt, host: {}}}]\nsources: [{{name: a, uri: a.mp4}}]",
    "sinks: [{{type: stdout}}]\nsources: [{{name: a, uri: {}}}]",
    "sinks: [{{type: stdout}}]\nsources: [{{name: a, uri: a.mp4}}]\npage: {{listen: {}}}",
)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_run_could_not_use_is_refused_by_check(entry, address, tmp_path, capsys):
    """An address is a source's path or wrong; none of these is right in any other place."""
    path = tmp_path / "gate.yaml"
    quoted = '"' + address.replace("\r\n", "\\r\\n").replace("\0", "\\0") + '"'
    path.write_text("pair: pair\n" + entry.format(quoted))
    assert main(["check", "--config", str(path)]) == 78
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(EdgeError):
        read_config(path)


COMMANDS = (
    ["check", "--config"],
    ["explain", "--config"],
    ["run", "--config"],
    ["outbox", "status", "--outbox"],
    ["pair", "inspect"],
    ["pair", "verify"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_ends_in_a_traceback_over_a_file(command, tmp_path):
    for what, content in HOSTILE.items():
        path = tmp_path / what.replace(" ", "-")
        path.write_bytes(content)
        assert main([*command, str(path)]) in CODES, what


@pytest.mark.parametrize("name", ["/nowhere", "a\0b", "a" * 5000])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_ends_in_a_traceback_over_a_name(command, name):
    assert main([*command, name]) in CODES


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_name_of_nothing_is_a_wrong_command_line(command):
    with pytest.raises(SystemExit) as ended:
        main([*command, ""])
    assert ended.value.code == EXIT_USAGE


def test_a_defect_is_what_is_left_and_shows_its_traceback():
    """Nothing catches everything: what is not foreseen is to be seen."""
    code = "import sys, edge.__main__ as m; m.parser_of = None; sys.exit(m.main(['check']))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "Traceback" in done.stderr
