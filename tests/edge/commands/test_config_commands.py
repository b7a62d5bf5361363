import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.__main__ import EXIT_CONFIG, EXIT_USAGE, main
from edge.commands.check import check_surroundings
from edge.config.file import read_config
from edge.config.keys import config_keys
from edge.config.origins import effective_settings
from edge.delivery.outbox_file import open_file
from edge.diagnosis import service_view
from edge.errors import ConfigError, SourceError
from edge.pipeline import proof
from engines.openvino.api import INSTALL, NoOpenVinoError
from tests.edge.configurations import SMALLEST, loaded
from tests.pairs import put_pair

TWO_SOURCES = """\
pair: pair
gate: {threshold: 60, max_roll: 20}
sources:
  - {name: door, uri: door}
  - name: yard
    uri: yard.mp4
    gate: {shift_at_most: 0.25}
sinks: [{type: directory, path: faces}]
"""


def put_footage(folder):
    """Make a folder with a recording, which nobody opens."""
    folder.mkdir()
    (folder / "walk.mp4").write_bytes(b"recorded")


@pytest.fixture
def config_path(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(TWO_SOURCES)
    return path


def origins(text: str) -> dict[str, tuple[object, str]]:
    return {
        setting.name: (setting.value, setting.origin.rpartition("/")[2])
        for setting in effective_settings(loaded(text))
    }


def test_every_effective_setting_knows_its_origin():
    settings = origins(TWO_SOURCES)
    assert settings["gate.threshold"] == (60, "gate.yaml:2")
    assert settings["sources.door.gate.threshold"] == (60, "gate.yaml:2")
    assert settings["sources.door.gate.max_yaw_ratio"] == (0.45, "default")
    assert settings["sources.yard.gate.max_roll"] == (20, "gate.yaml:2")
    assert settings["sources.yard.gate.shift_at_most"] == (0.25, "gate.yaml:7")
    assert settings["sinks.directory.name"] == ("directory", "default")
    assert settings["delivery.outbox"] == (None, "default")


def test_a_threshold_that_does_not_decide_is_shown_as_not_set():
    assert origins(TWO_SOURCES)["sources.yard.gate.threshold"] == (None, "default")


def test_an_inherited_shift_that_a_threshold_replaces_is_shown_as_not_set():
    text = TWO_SOURCES.replace("threshold: 60", "shift_at_most: 0.5").replace(
        "gate: {shift_at_most: 0.25}", "gate: {threshold: 70}"
    )
    settings = origins(text)
    assert settings["sources.yard.gate.threshold"] == (70, "gate.yaml:7")
    assert settings["sources.yard.gate.shift_at_most"] == (None, "default")


def test_a_merged_value_comes_from_where_it_was_written():
    text = TWO_SOURCES.replace("{threshold: 60", "&strict {threshold: 60").replace(
        "gate: {shift_at_most: 0.25}", "gate: {<<: *strict, max_yaw_ratio: 0.2}"
    )
    settings = origins(text)
    assert settings["sources.yard.gate.threshold"] == (60, "gate.yaml:2")
    assert settings["sources.yard.gate.max_yaw_ratio"] == (0.2, "gate.yaml:7")


def test_explain_prints_every_setting(config_path, capsys):
    assert main(["explain", "--config", str(config_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(effective_settings(read_config(config_path)))
    assert lines[0].split() == ["pair", f"{config_path.parent}/pair", f"{config_path}:1"]


def test_explain_prints_value_origin_range_default_and_meaning_of_a_key(config_path, capsys):
    assert main(["explain", "--config", str(config_path), "gate.max_roll"]) == 0
    first = capsys.readouterr().out.split("\n\n")[0]
    assert first.splitlines() == [
        "gate.max_roll: 20",
        f"  from     {config_path}:2",
        "  allowed  a number from 0 to 180",
        "  default  60",
        f"  {config_keys()['gate.max_roll'].meaning}",
    ]


def test_explain_shows_of_a_servers_address_the_host_alone(config_path, capsys):
    text = config_path.read_text()
    hook = "{type: http, url: 'https://hooks.example/services/hunter2?token=hunter2'}"
    config_path.write_text(f"{text.partition('sinks:')[0]}sinks: [{hook}]\n")
    assert main(["explain", "--config", str(config_path)]) == 0
    told = capsys.readouterr().out
    assert "https://hooks.example/…" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (
            "threshold",
            ["gate.threshold", "sources.door.gate.threshold", "sources.yard.gate.threshold"],
        ),
        ("sources.door.uri", ["sources.door.uri"]),
        ("delivery.backoff", ["delivery.backoff.first", "delivery.backoff.at_most"]),
    ],
)
def test_explain_finds_a_key_by_its_last_name_its_full_name_or_its_section(
    config_path, capsys, key, names
):
    main(["explain", "--config", str(config_path), key])
    sections = capsys.readouterr().out.split("\n\n")
    assert [section.split(":")[0] for section in sections] == names


def test_explain_of_an_unknown_key_is_a_usage_error_with_a_suggestion(config_path, capsys):
    assert main(["explain", "--config", str(config_path), "treshold"]) == EXIT_USAGE
    assert "did you mean threshold?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "explain"])
def test_a_wrong_configuration_exits_with_78_and_one_line_for_each_mistake(
    tmp_path, capsys, command
):
    path = tmp_path / "gate.yaml"
    path.write_text("treads: 2\n" + SMALLEST)
    assert main([command, "--config", str(path)]) == EXIT_CONFIG
    captured = capsys.readouterr()
    assert captured.err == f"{path}:1:1: treads: unknown key; did you mean threads?\n"
    assert captured.out == ""


@pytest.mark.parametrize("command", ["check", "explain"])
def test_a_missing_file_exits_with_78(tmp_path, capsys, command):
    assert main([command, "--config", str(tmp_path / "absent.yaml")]) == EXIT_CONFIG
    assert "absent.yaml:1:1: cannot be read: No such file or directory" in capsys.readouterr().err


def absences(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_surroundings(read_config(path))
    return [line.removeprefix(str(path)) for line in str(caught.value).splitlines()]


def test_check_names_everything_that_is_missing_at_its_place(config_path):
    folder = config_path.parent
    pair, *sources = absences(config_path)
    assert pair.startswith(":1:7: pair: ")
    assert "edge-gate pair build" in pair
    assert sources == [
        f":4:23: sources[0].uri: cannot be read: {folder}/door",
        f":6:10: sources[1].uri: cannot be read: {folder}/yard.mp4",
    ]


def test_check_refuses_footage_and_a_detector_that_are_no_files(config_path):
    folder = config_path.parent
    (folder / "door").symlink_to("/dev/null")
    os.mkfifo(folder / "yard.mp4")
    (folder / "ours").mkdir()
    config_path.write_text(config_path.read_text() + "detector: {model: ours}\n")
    assert absences(config_path)[1:] == [
        f":9:19: detector.model: is no file: {folder}/ours",
        f":4:23: sources[0].uri: is no file and no folder: {folder}/door",
        f":6:10: sources[1].uri: is no file and no folder: {folder}/yard.mp4",
    ]


def test_check_refuses_a_folder_without_recordings_and_an_empty_file(config_path):
    door, yard = config_path.parent / "door", config_path.parent / "yard.mp4"
    (door / "below").mkdir(parents=True)
    (door / "below" / "notes.txt").touch()
    yard.touch()
    folder, file = absences(config_path)[1:]
    assert folder.startswith(f":4:23: sources[0].uri: {door}: no image or video below this folder")
    assert "1 file passed over: 1 of unknown ending .txt" in folder
    assert file == f":6:10: sources[1].uri: is empty: {yard}"
    (door / "below" / "walk.mp4").touch()
    yard.write_bytes(b"recorded")
    assert len(absences(config_path)) == 1


def test_check_of_the_services_configuration_names_what_the_service_cannot_see(
    config_path, monkeypatch
):
    monkeypatch.setattr(service_view, "CONFIGURATION", config_path.parent)
    monkeypatch.setattr(service_view, "HIDDEN", (config_path.parent / "home",))
    text = config_path.read_text().replace("pair: pair", "pair: home/pair")
    config_path.write_text(text.replace("uri: yard.mp4", "uri: home/yard.mp4"))
    hidden = [line for line in absences(config_path) if "ProtectHome=yes" in line]
    assert [line.split(": ")[1] for line in hidden] == ["pair", "sources[1].uri"]
    assert f"sudo cp -r {config_path.parent}/home/pair /var/lib/edge-gate/" in hidden[0]


@pytest.fixture
def cached_detector(monkeypatch):
    """Let the detector open without its files, which are another test's."""
    monkeypatch.setattr(proof, "require_located", lambda _settings: None)


def test_check_proves_the_pair_when_asked_to(tmp_path, capsys, cached_detector):  # noqa: ARG001
    put_pair(tmp_path)
    put_footage(tmp_path / "door")
    config = tmp_path / "gate.yaml"
    config.write_text(TWO_SOURCES.replace("uri: yard.mp4", "uri: door"))
    check = ["check", "--config", str(config)]
    assert main([*check, "--prove"]) == 0
    network = min((tmp_path / "pair").glob("*.onnx"))
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)
    assert main(check) == 0
    assert main([*check, "--prove"]) == EXIT_CONFIG
    assert f"{config}:1:7: pair: {network}: SHA-256 is" in capsys.readouterr().err


@pytest.mark.usefixtures("cached_detector")
@pytest.mark.parametrize(("fallback", "code"), [("stop", EXIT_CONFIG), ("onnxruntime", 0)])
def test_check_proves_that_openvino_is_there_as_run_would_need_it(
    fallback, code, tmp_path, capsys, monkeypatch
):
    def missing():
        raise NoOpenVinoError(f"OpenVINO does not load (why): {INSTALL}")

    monkeypatch.setattr("engines.openvino.backend.load_openvino", missing)
    put_pair(tmp_path)
    put_footage(tmp_path / "door")
    config = tmp_path / "gate.yaml"
    engine = f"engine: {{backend: openvino, fallback: {fallback}}}\n"
    config.write_text(TWO_SOURCES.replace("uri: yard.mp4", "uri: door") + engine)
    assert main(["check", "--config", str(config)]) == 0
    assert main(["check", "--prove", "--config", str(config)]) == code
    assert (INSTALL in capsys.readouterr().err) == (fallback == "stop")


@pytest.mark.usefixtures("cached_detector")
@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("{name: yard, uri: door, decoder: gstreamer}", EXIT_CONFIG),
        ("{name: yard, uri: 'csi://0'}", EXIT_CONFIG),
        ("{name: yard, uri: door}", 0),
    ],
)
def test_check_proves_that_gstreamer_is_there_where_run_would_need_it(
    source, code, tmp_path, capsys, monkeypatch
):
    def missing():
        raise SourceError("GStreamer cannot be loaded (why)")

    for module in ("edge.diagnosis.preflight", "edge.sources.decoding.choice"):
        monkeypatch.setattr(f"{module}.load_gstreamer", missing)
    put_pair(tmp_path)
    put_footage(tmp_path / "door")
    config = tmp_path / "gate.yaml"
    head, _, tail = TWO_SOURCES.partition("sources:")
    config.write_text(f"{head}sources:\n  - {source}\n{tail[tail.index('sinks') :]}")
    assert main(["check", "--config", str(config)]) == 0
    assert main(["check", "--prove", "--config", str(config)]) == code
    said = capsys.readouterr().err
    refused = code == EXIT_CONFIG
    assert (":4:5: sources[0]: " in said, "GStreamer cannot be loaded" in said) == (refused,) * 2


def test_check_proves_that_the_detector_is_there_and_says_how_to_fetch_it(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))
    put_pair(tmp_path)
    put_footage(tmp_path / "door")
    config = tmp_path / "gate.yaml"
    config.write_text(TWO_SOURCES.replace("uri: yard.mp4", "uri: door"))
    assert main(["check", "--prove", "--config", str(config)]) == EXIT_CONFIG
    said = capsys.readouterr().err
    assert "detector: mtcnn: " in said
    assert f"EDGE_GATE_CACHE={tmp_path}/cache edge-gate models fetch mtcnn" in said
    assert not (tmp_path / "cache").exists()


def test_check_says_what_it_did_not_try_and_what_the_first_start_obtains(
    tmp_path, capsys, monkeypatch
):
    put_pair(tmp_path)
    config = tmp_path / "gate.yaml"
    put_footage(tmp_path / "door")
    config.write_text(TWO_SOURCES.replace("uri: yard.mp4", "uri: door"))
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))
    assert main(["check", "--config", str(config)]) == 0
    _, untried, missing = capsys.readouterr().out.splitlines()
    assert ("--prove" in untried, "--connect" in untried) == (True, True)
    assert missing.startswith("not here yet, so that the first start obtains it: detector mtcnn: ")
    assert missing.endswith(f"run 'EDGE_GATE_CACHE={tmp_path}/cache edge-gate models fetch mtcnn'")
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("cached_detector")
def test_what_was_proved_is_not_told_as_untried(tmp_path, capsys, monkeypatch):
    put_pair(tmp_path)
    config = tmp_path / "gate.yaml"
    put_footage(tmp_path / "door")
    config.write_text(TWO_SOURCES.replace("uri: yard.mp4", "uri: door"))
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))
    assert main(["check", "--prove", "--config", str(config)]) == 0
    _, untried = capsys.readouterr().out.splitlines()
    assert ("--prove" in untried, "--connect" in untried) == (False, True)


ENTRY = """
name: ours
kind: detector
licence: MIT
note: ours
files: [{name: ours.onnx, file: ours.onnx}]
"""


def test_check_names_the_file_that_no_start_obtains(config_path):
    config_path.write_text(config_path.read_text() + "detector: {name: yunet, model: ours.yaml}\n")
    (config_path.parent / "ours.yaml").write_text(ENTRY)
    said = [line for line in absences(config_path) if "detector: " in line]
    missing = f"{config_path.parent}/ours.onnx: no such file"
    words = f":9:11: detector: {missing}: put it there, or correct 'file:'"
    assert [line.partition(" of ")[0] for line in said] == [words]


def test_check_refuses_folders_that_cannot_be_made(config_path):
    (config_path.parent / "faces").touch()
    text = config_path.read_text() + "delivery: {outbox: {path: faces/outbox.sqlite}}\n"
    config_path.write_text(text + "detector: {model: absent.onnx}\n")
    lines = "\n".join(absences(config_path))
    assert ":8:33: sinks[0].path: is no folder that can be written" in lines
    assert ":9:27: delivery.outbox.path: cannot be written" in lines
    assert ":10:19: detector.model: cannot be read" in lines


STATE = [
    ("delivery: {outbox: {path: THERE}}", ":9:27: delivery.outbox.path: ", "outbox"),
    ("shadow_log: {path: THERE}", ":9:20: shadow_log.path: ", "shadow log"),
    ("page: {history: THERE}", ":9:17: page.history: ", "history"),
]


@pytest.mark.parametrize("there", ["folder", "/dev/null", "n" * 256])
@pytest.mark.parametrize(("key", "place", "_what"), STATE)
def test_check_refuses_files_of_state_that_cannot_be_made_or_written(
    config_path, key, place, _what, there
):
    (config_path.parent / "folder").mkdir()
    config_path.write_text(f"{config_path.read_text()}{key.replace('THERE', there)}\n")
    assert [line for line in absences(config_path) if line.startswith(f"{place}cannot be written")]


def test_check_refuses_a_file_of_another_kind_as_an_outbox(config_path):
    notes = config_path.with_name("notes.txt")
    notes.write_text("of somebody")
    config_path.write_text(config_path.read_text() + "delivery: {outbox: {path: notes.txt}}\n")
    assert f":9:27: delivery.outbox.path: is no outbox, name another file: {notes}" in (
        absences(config_path)
    )


def test_check_takes_a_link_to_a_file_of_state_that_is_made_at_the_first_start(config_path):
    (config_path.parent / "link.sqlite").symlink_to(config_path.parent / "disk" / "outbox.sqlite")
    (config_path.parent / "disk").mkdir()
    added = "delivery: {outbox: {path: link.sqlite}}\n"
    config_path.write_text(config_path.read_text() + added)
    assert not any("delivery.outbox" in line for line in absences(config_path))
    outbox = read_config(config_path).config.delivery.outbox
    assert outbox is not None
    with closing(open_file(outbox)):
        assert (config_path.parent / "disk" / "outbox.sqlite").exists()


@pytest.mark.parametrize(("key", "place", "what"), STATE)
def test_check_refuses_a_database_of_another_program_as_any_file_of_state(
    config_path, key, place, what
):
    with closing(sqlite3.connect(config_path.parent / "other.sqlite")) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    config_path.write_text(f"{config_path.read_text()}{key.replace('THERE', 'other.sqlite')}\n")
    said = [line.partition(", name another file")[0] for line in absences(config_path)]
    assert f"{place}is no {what}" in said


def test_check_refuses_a_folder_whose_name_no_file_system_takes(config_path):
    config_path.write_text(config_path.read_text().replace("path: faces", "path: " + "n" * 256))
    assert any("sinks[0].path: is no folder that can" in line for line in absences(config_path))


def test_check_refuses_certificates_that_cannot_be_used(config_path):
    folder = config_path.parent
    (folder / "nonsense.pem").write_text("nothing")
    text = config_path.read_text().partition("sources:")[0]
    config_path.write_text(
        f"{text}sources: [{{name: door, uri: 'rtsps://camera/', ca_file: absent.pem}}]\n"
        "sinks: [{type: http, url: 'https://server/', client_certificate: nonsense.pem, "
        "client_key: nonsense.pem}]\n"
    )
    lines = "\n".join(absences(config_path))
    assert "sources[0].ca_file: certificate files" in lines
    assert "absent.pem" in lines
    assert "sinks[0].client_certificate: certificate files" in lines


def test_check_refuses_a_shadow_log_that_is_another_file(config_path):
    (config_path.parent / "notes.txt").write_text("of somebody")
    text = config_path.read_text()
    config_path.write_text(text + "shadow_log: {path: notes.txt}\n")
    assert ":9:20: shadow_log.path: is no shadow log" in "\n".join(absences(config_path))
    (config_path.parent / "faces").touch()
    config_path.write_text(text + "shadow_log: {path: faces/shadow.sqlite}\n")
    assert ":9:20: shadow_log.path: cannot be written" in "\n".join(absences(config_path))


def test_check_refuses_a_pair_whose_manifest_is_damaged(config_path):
    folder = config_path.parent / "pair"
    folder.mkdir()
    (folder / "pair.yaml").write_bytes(b"\xff")
    assert absences(config_path)[0].startswith(f":1:7: pair: {folder}/pair.yaml: cannot be read")


def test_schema_prints_json_schema(capsys):
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["required"]) == {"pair", "sources", "sinks"}


def test_schema_prints_tables_for_the_readme(capsys):
    assert main(["schema", "--markdown"]) == 0
    assert "| `threshold` | Forward faces" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("", "door, yard -> mtcnn -> threshold 40 -> stdout"),
        (
            ", gate: {shift_at_most: 0.3}",
            "door (threshold 40), yard (shift_at_most 0.3) -> mtcnn -> stdout",
        ),
    ],
)
def test_check_says_what_decides_for_each_camera(tmp_path, capsys, own, said):
    put_pair(tmp_path)
    path = tmp_path / "gate.yaml"
    path.write_text(
        "pair: pair\ngate: {threshold: 40}\nsinks: [{type: stdout}]\nsources:\n"
        '  - {name: door, uri: "rtsp://camera/door"}\n'
        f'  - {{name: yard, uri: "rtsp://camera/yard"{own}}}\n'
    )
    assert main(["check", "--config", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{path}: OK: {said}\n")
