import sqlite3
from contextlib import closing

import pytest

from edge.__main__ import EXIT_CONFIG, main
from edge.detection.open import detector_of
from tests.edge import mqtt_broker
from tests.edge.face_server import answers, serving
from tests.edge.running_gate import ENGINES, kept_keys, outbox_keys
from tests.pairs import put_pair

pytestmark = pytest.mark.registry


@pytest.fixture
def run(material, tmp_path, capsys):
    """Run the gate over a video of two people, into a folder and a server."""

    def run(url, delivery):
        config = tmp_path / "gate.yaml"
        config.write_text(
            f"{ENGINES.replace('pair: pair', f'pair: {material}/pair')}"
            f"sources: [{{name: clip, uri: {material}/walks.mp4}}]\n"
            f"sinks: [{{type: directory, path: faces}}, {{type: http, url: '{url}'}}]\n"
            f"delivery: {{{delivery}}}\n"
        )
        code = main(["run", "--config", str(config)])
        return code, " ".join(capsys.readouterr().err.split())

    return run


def test_with_an_outbox_a_failing_sink_loses_nothing_and_holds_up_nobody(run, tmp_path):
    outbox = "outbox: {path: outbox.sqlite}"
    with serving() as server:
        server.behaviours += [answers(503)] * 9
        code, said = run(server.url, outbox)
        delivered_at_first = kept_keys(tmp_path / "faces")
        assert code == 1
        assert "still in the outbox for sink http: 2 faces, to be sent by the next run" in said
        assert outbox_keys(tmp_path / "outbox.sqlite") == delivered_at_first
        server.behaviours.clear()
        code, said = run(server.url, f"{outbox}, backoff: {{first: 20ms, at_most: 20ms}}")
        assert (code, "wait in the outbox" in said) == (0, False)
        assert set(server.keys()) == kept_keys(tmp_path / "faces") == delivered_at_first
        assert outbox_keys(tmp_path / "outbox.sqlite") == set()
    assert len(delivered_at_first) == 2  # of two people


def test_every_face_that_gave_way_to_a_better_one_is_told(run, tmp_path):
    with serving() as server:
        server.behaviours += [answers(503)] * 9
        run(server.url, "outbox: {path: both.sqlite}")
        with closing(sqlite3.connect(tmp_path / "both.sqlite")) as database:
            (both,) = database.execute("SELECT sum(bytes) FROM faces").fetchone()
        code, said = run(server.url, f"outbox: {{path: one.sqlite, quota: {both - 1}}}")
    gone = evicted(tmp_path / "one.sqlite")["http"]
    assert (code, gone) == (1, 1)
    assert "no room in the outbox for sink http: 1 face" in said


def test_faces_that_a_smaller_quota_deletes_when_the_run_begins_are_told(run, tmp_path):
    with serving() as server:
        server.behaviours += [answers(503)] * 9
        run(server.url, "outbox: {path: outbox.sqlite}")
        server.behaviours.clear()
        code, said = run(server.url, "outbox: {path: outbox.sqlite, quota: 1kB}")
    assert evicted(tmp_path / "outbox.sqlite")["http"] >= 2
    assert code == 1
    assert f"for sink http: {evicted(tmp_path / 'outbox.sqlite')['http']} faces" in said


def evicted(outbox):
    with closing(sqlite3.connect(outbox)) as database:
        rows = database.execute("SELECT sink, faces FROM ledger WHERE event = 'evicted'")
        return dict(rows.fetchall())


def test_faces_that_wait_for_a_sink_that_is_no_more_are_not_promised_to_the_next_run(
    run, tmp_path, capsys
):
    with serving() as server:
        server.behaviours += [answers(503)] * 9
        run(server.url, "outbox: {path: outbox.sqlite}")
        server.behaviours.clear()
        config = tmp_path / "gate.yaml"
        config.write_text(config.read_text().replace("type: http", "type: http, name: other"))
        assert main(["run", "--config", str(config)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "for sink http: 2 faces, and the configuration has no such sink: name it again" in said


def test_a_refused_face_is_a_dead_letter_that_the_run_tells_of(run):
    with serving() as server:
        server.behaviours.append(answers(422))
        code, said = run(server.url, "outbox: {path: outbox.sqlite}")
    assert code == 1
    assert "sink http refused 1 face: see edge-gate outbox status" in said


@pytest.mark.parametrize("wrong", ["pair", "detector"])
def test_a_damaged_pair_or_detector_ends_it_as_it_ends_a_service(wrong, tmp_path, capsys):
    put_pair(tmp_path)
    (tmp_path / "photographs").mkdir()
    (tmp_path / "letter.onnx").write_text("dear sir")
    detector = "{name: yunet, model: letter.onnx}" if wrong == "detector" else "{name: mtcnn}"
    if wrong == "pair":
        network = min((tmp_path / "pair").glob("*.onnx"))
        network.write_bytes(network.read_bytes() + b"!")
    config = tmp_path / "gate.yaml"
    config.write_text(
        f"pair: pair\ndetector: {detector}\nsources: [{{name: album, uri: photographs}}]\n"
        "sinks: [{type: stdout}]\n"
    )
    assert main(["run", "--config", str(config)]) == EXIT_CONFIG
    assert capsys.readouterr().err.lstrip().startswith(f"{config}: {tmp_path}/")


def test_a_service_opens_its_detector_once(material, tmp_path, monkeypatch):
    opened = []

    def counted(settings, *rest):
        opened.append(settings.name)
        return detector_of(settings, *rest)

    monkeypatch.setattr("edge.detection.open.detector_of", counted)
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    config = tmp_path / "gate.yaml"
    config.write_text(
        f"{ENGINES.replace('pair: pair', f'pair: {material}/pair')}"
        f"sources: [{{name: clip, uri: {material}/walks.mp4}}]\nsinks: [{{type: stdout}}]\n"
    )
    assert main(["run", "--config", str(config)]) == 0
    assert len(opened) == 1


def test_a_service_obtains_nothing(material, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NOTIFY_SOCKET", "")
    monkeypatch.setenv("EDGE_GATE_CACHE", str(tmp_path / "cache"))
    config = tmp_path / "gate.yaml"
    config.write_text(
        f"{ENGINES.replace('pair: pair', f'pair: {material}/pair')}"
        f"sources: [{{name: clip, uri: {material}/walks.mp4}}]\nsinks: [{{type: stdout}}]\n"
    )
    assert main(["run", "--config", str(config)]) == EXIT_CONFIG
    assert "edge-gate models fetch" in capsys.readouterr().err
    assert not (tmp_path / "cache").exists()


def test_without_an_outbox_a_failing_sink_ends_the_run(run):
    with serving() as server:
        server.behaviours.append(answers(503))
        code, said = run(server.url, "")
    assert code == 1
    assert "503" in said


def test_a_broker_hears_of_a_run_over_files_from_its_first_face_to_its_end(material, tmp_path):
    (tmp_path / "broker").mkdir()
    with (
        mqtt_broker.running(tmp_path / "broker") as broker,
        mqtt_broker.subscribed(broker, "+/desk/#") as heard,
    ):
        config = tmp_path / "gate.yaml"
        config.write_text(
            f"{ENGINES.replace('pair: pair', f'pair: {material}/pair')}"
            f"sources: [{{name: clip, uri: {material}/walks.mp4}}]\n"
            "sinks: [{type: mqtt, host: localhost, tls: false, device: desk, "
            f"port: {broker.port}}}]\n"
        )
        assert main(["run", "--config", str(config)]) == 0
        said = [mqtt_broker.wait_for(heard, "") for _ in range(4)]
    assert [message.topic.rpartition("/")[2] for message in said] == [
        "available",
        "face",
        "face",
        "available",
    ]
    assert (said[0].payload, said[3].payload) == (b"online", b"offline")
