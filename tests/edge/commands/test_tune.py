"""`edge tune` over real faces with the default network and detector."""

import json
import os
import re
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import cv2
import pytest

from edge.__main__ import main
from edge.config.file import read_config
from edge.history.file import HistoryFile
from edge.history.tables import Mark, put_mark
from edge.shadow_log.file import open_shadow_log
from engines.pair.manifest import read_manifest
from tests.edge.detection.test_open import yunet_file
from tests.edge.recordings import default_pair, people, write_walk
from tests.edge.running_gate import ROOT, kept_keys
from tests.edge.warm_process import WarmProcess

pytestmark = pytest.mark.registry

CONFIG = """\
# the gate
pair: pair
sources:
  - name: door   # the front one
    uri: walk.mp4
  - {name: yard, uri: "rtsp://camera/yard"}
sinks: [{type: stdout}]
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A folder with an engine pair, a clip of six people, and photographs of them with pairs."""
    folder = tmp_path_factory.mktemp("tune")
    default_pair(folder / "pair")
    frames = people(count=18, shots=3)
    first = [pixels for (_, number), pixels in frames.items() if number == 0]
    write_walk(folder / "walk.mp4", first[:6])
    (folder / "people").mkdir()
    names: dict[str, list[str]] = {}
    for (subject, number), pixels in frames.items():
        names.setdefault(subject, []).append(f"{subject.replace('/', '-')}-{number}.png")
        cv2.imwrite(str(folder / "people" / names[subject][-1]), pixels)
    lines = ["image_a,image_b,mated", *pair_lines(list(names.values()))]
    (folder / "pairs.csv").write_text("\n".join(lines))
    return folder


def pair_lines(names):
    for number, shots in enumerate(names):
        others = names[(number + 1) % len(names)]
        for first in range(3):
            yield f"{shots[first]},{shots[(first + 1) % 3]},1"
            for second in range(3):
                yield f"{shots[first]},{others[second]},0"


def configured(work, folder):
    path = folder / "gate.yaml"
    path.write_text(
        CONFIG.replace("pair: pair", f"pair: {work}/pair").replace("walk", f"{work}/walk")
    )
    return path


@pytest.fixture
def config(work, tmp_path):
    return configured(work, tmp_path)


@pytest.fixture
def tune(config, tmp_path, capsys):
    def run(*words):
        capsys.readouterr()
        code = exit_code(words_of(config, tmp_path, *words))
        return code, capsys.readouterr()

    return run


def words_of(config, folder, *words):
    fixed = ["tune", "--config", config, "--out", folder / "new" / "folder"]
    return [*map(str, fixed), *map(str, words)]


def exit_code(words):
    try:
        return main(words)
    except SystemExit as ended:  # argparse ends this way
        return ended.code


HALF = ("--source", "door", "--forward-rate", 0.5, "--write")


@pytest.fixture(scope="module")
def written(work, tmp_path_factory):
    """A folder where the door's threshold was found and written, and what was said."""
    folder = tmp_path_factory.mktemp("written")
    config = configured(work, folder)
    with redirect_stdout(StringIO()) as out:
        assert exit_code(words_of(config, folder, *HALF)) == 0
    return folder, out.getvalue()


def test_a_threshold_goes_from_footage_into_the_file_with_one_command(written, config):
    (folder, out), before = written, config.read_text()
    found = read_config(folder / "gate.yaml").config.sources[0].gate.threshold
    assert f"\n+      threshold: {found:g}\n" in out
    added = f"walk.mp4\n    gate:\n      threshold: {found:g}\n"
    assert (folder / "gate.yaml").read_text() == before.replace("walk.mp4\n", added)
    report = (folder / "new" / "folder" / "door.html").read_text()
    assert report.count("data:image/jpeg;base64,") >= 3 * 6  # each of six in each of three sheets
    assert "<td>6, 6 of them with a scored face</td>" in report  # people walking by
    assert json.loads((folder / "new" / "folder" / "door.baseline.json").read_text())["counts"]


FRAMES_OF_EACH = 17
"""Of the clip: ten with a person and seven with nobody."""

STAYING = """\
mode: %s
tracks: {longest: 500ms, duplicate_above: 1, duplicate_within: 1ms, at_most_every: 300ms}
"""


def kept_by_run(config, tmp_path):
    """Let the one camera's faces go into a folder, and return that."""
    text = config.read_text().replace('  - {name: yard, uri: "rtsp://camera/yard"}', "")
    sink = f"{{type: directory, path: {tmp_path}/faces}}"
    config.write_text(text.replace("{type: stdout}", sink))
    return tmp_path / "faces"


@pytest.mark.parametrize(
    ("mode", "detector"),
    [("best_shot", "mtcnn"), ("every", "mtcnn"), ("best_shot", "yunet"), ("every", "yunet")],
)
def test_run_forwards_as_many_faces_as_tune_says(tune, config, tmp_path, mode, detector):
    kept = kept_by_run(config, tmp_path)
    model = f", model: {yunet_file()}" if detector == "yunet" else ""
    chosen = f"detector: {{name: {detector}{model}}}\n"
    config.write_text(config.read_text() + STAYING % mode + chosen)
    code, told = tune("--per-minute", 40, "--write")
    assert code == 0
    said = re.search(r"run forwards (\d+) faces of this footage", flat(told))
    assert said is not None
    assert main(["run", "--config", str(config)]) == 0
    assert len(kept_keys(kept)) == int(said[1]) > 6  # more than one of a person


@pytest.mark.parametrize(("threshold", "floor"), [(50, 100), (95, 100), (95, 85)])
def test_run_sends_no_face_of_as_many_people_as_tune_says(tune, config, tmp_path, threshold, floor):
    kept = kept_by_run(config, tmp_path)
    decided = f"gate: {{threshold: {threshold}}}\ntracks: {{at_least_one_above: {floor}}}\n"
    config.write_text(config.read_text() + decided)
    _, told = tune()
    without, everybody = people_without_a_face(flat(told), threshold)
    assert (everybody, without > 0) == (6, threshold == 95)
    assert main(["run", "--config", str(config)]) == 0
    frames = [json.loads(path.read_text())["frame"] for path in kept.glob("*.json")]
    sent = {frame // FRAMES_OF_EACH for frame in frames}
    assert everybody - len(sent) == without


def people_without_a_face(words, threshold):
    """Return how many people get no face in the end, and of how many."""
    if said := re.search(rf"At {threshold}, everybody gets a face: (\d+) of", words):
        return 0, int(said[1])
    said = re.search(rf"At {threshold}, (\d+) of (\d+) people gets? no face", words)
    assert said is not None
    lost, everybody = map(int, said.groups())
    if "everybody has one" in words:
        return 0, everybody
    still = re.search(r"(\d+) still gets? none", words)
    return int(still[1]) if still else lost, everybody


LOGGING = 'mode: observe\nshadow_log: {path: shadow.sqlite}\npage: {listen: "127.0.0.1:0"}\n'


@pytest.fixture(scope="module")
def by_footage(work, tmp_path_factory):
    """What is told of the footage itself, and how many pictures its report has."""
    folder = tmp_path_factory.mktemp("footage")
    config = of_the_recording(work, folder)
    words = ["tune", "--config", config, "--out", folder / "out", "--per-minute", 5]
    with redirect_stderr(StringIO()) as told:
        assert main(list(map(str, words))) == 0
    pictures = (folder / "out" / "door.html").read_text().count("data:image/jpeg")
    return told_threshold(" ".join(told.getvalue().split())), pictures


def of_the_recording(work, folder):
    """Write a configuration of the recorded camera alone; return its path."""
    path = configured(work, folder)
    path.write_text(path.read_text().replace('  - {name: yard, uri: "rtsp://camera/yard"}\n', ""))
    return path


def by_a_service(config):
    """With a service manager, files are taken through the daemon."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NOTIFY_SOCKET": ""}
    return WarmProcess(main, ["run", "--config", str(config)], ROOT, environment).wait()


def to_their_end(config):
    return main(["run", "--config", str(config)])


@pytest.mark.parametrize("run", [by_a_service, to_their_end], ids=["daemon", "files"])
def test_a_shadow_log_tells_what_the_footage_itself_tells(tune, work, by_footage, tmp_path, run):
    config = of_the_recording(work, tmp_path)
    config.write_text(config.read_text() + LOGGING)
    assert run(config) == 0
    code, by_log = tune(tmp_path / "shadow.sqlite", "--per-minute", 5)
    assert code == 0
    assert told_threshold(flat(by_log)) == by_footage[0]
    pictures = (tmp_path / "new" / "folder" / "door.html").read_text().count("data:image/jpeg")
    assert pictures == by_footage[1] >= 2 * 6


def told_threshold(words):
    """Return everything said of the threshold: value, intervals, what it gives."""
    return words[words.index("gate.threshold:") : words.index("door: look at")]


def test_the_log_of_a_live_camera_is_looked_at_when_nothing_is_named(tune, config, tmp_path):
    text = re.sub(r"uri: \S*walk.mp4", "uri: 'rtsp://camera/door'", config.read_text())
    config.write_text(text + LOGGING)
    code, told = tune("--source", "door", "--forward-rate", 0.5)
    assert (code, "let the gate fill a shadow_log" in flat(told)) == (64, True)
    open_shadow_log(tmp_path / "shadow.sqlite").close()
    code, told = tune("--source", "door", "--forward-rate", 0.5)
    assert (code, "only 0 faces could be scored" in flat(told)) == (1, True)


def test_without_write_the_file_stays_and_the_change_is_shown(tune, config):
    before = config.read_text()
    code, told = tune("--source", "door", "--forward-rate", 0.5)
    assert code == 0
    assert "50 % of all faces good enough" in flat(told)
    assert "+    gate:" in told.out
    assert "not changed; the same command with --write changes it" in flat(told)
    assert config.read_text() == before


def test_a_second_run_says_that_the_file_says_so_already(written, tune, config):
    before = (written[0] / "gate.yaml").read_text()
    config.write_text(before)
    code, told = tune(*HALF)
    assert (code, told.out, config.read_text()) == (0, "", before)
    assert "says so already" in flat(told)


@pytest.mark.parametrize("camera", [("--source", "door"), ()], ids=["own", "shared"])
def test_a_threshold_that_is_in_effect_already_is_not_written_anew(tune, config, camera, tmp_path):
    text = config.read_text()
    if not camera:
        text = text.replace('  - {name: yard, uri: "rtsp://camera/yard"}', "")
        config.write_text(text)
    code, told = tune(*camera, "--per-minute", 5, "--write")
    assert (code, told.out, config.read_text()) == (0, "", text)
    assert ("gate.threshold: 30 (" in flat(told), "says so already" in flat(told)) == (True, True)
    report = (tmp_path / "new" / "folder" / "door.html").read_text()
    assert "--write makes this change" not in report


def test_a_password_beside_the_change_is_shown_to_nobody(tune, config, tmp_path):
    config.write_text(config.read_text().replace("rtsp://camera", "rtsp://me:hunter2@camera"))
    code, told = tune("--source", "door", "--forward-rate", 0.5)
    assert (code, "camera/yard" in told.out, "hunter2" in told.out) == (0, True, False)
    assert "hunter2" not in (tmp_path / "new" / "folder" / "door.html").read_text()


def test_results_that_have_no_place_are_refused_before_the_footage_is_looked_at(tune, config):
    code, told = tune("--out", config)
    assert code == 1
    assert told.err.endswith(
        "gate.yaml: no folder to write to: File exists; name another with --out\n"
    )
    assert "walk.mp4" not in told.err  # no progress bar


def test_without_a_goal_the_threshold_in_effect_is_looked_at(tune):
    code, told = tune("--source", "door")
    assert (code, told.out) == (0, "")
    assert "The threshold 30 was looked at" in told.err


def test_what_people_marked_on_the_page_sets_the_threshold(tune, config, tmp_path):
    config.write_text(config.read_text() + "page: {history: history.sqlite}\n")
    pair_id = read_manifest(read_config(config).config.pair).pair_id
    file = HistoryFile(tmp_path / "history.sqlite", lambda: 0.0)
    with file.changed() as database:
        for score in range(20, 60, 4):
            wanted = score >= 40
            put_mark(database, Mark("door", pair_id, f"a-{score}", float(score), wanted, 0.0))
    file.close()
    code, told = tune("--source", "door", "--marks", "--write")
    assert code == 0
    assert read_config(config).config.sources[0].gate.threshold == 40
    said = " ".join(told.err.split())
    assert "5 of 5 that should be forwarded reach it, and 5 of 5 that should not stay below" in said


def test_marks_that_cannot_be_read_are_left_out_unless_they_are_the_goal(tune, config, tmp_path):
    config.write_text(config.read_text() + "page: {history: history.sqlite}\n")
    (tmp_path / "history.sqlite").write_text("no database")
    code, told = tune("--source", "door")
    assert code == 0
    assert "Marks of the live page are left out: history " in flat(told)
    code, told = tune("--source", "door", "--marks")
    assert code == 78
    assert told.err.strip().startswith(f"history {tmp_path}/history.sqlite: file is not a database")


def test_too_little_footage_is_reported_and_nothing_is_written(tune, config, tmp_path):
    before = config.read_text()
    code, told = tune("--source", "door", "--every", 5, "--forward-rate", 0.5, "--write")
    assert (code, told.out, config.read_text()) == (1, "", before)
    assert "a threshold needs at least 50" in " ".join(told.err.split())
    assert "at least 50" in (tmp_path / "new" / "folder" / "door.html").read_text()


def test_labelled_photographs_tell_the_threshold_for_an_fnmr(tune, work):
    words = (work / "people", "--fnmr-labels", work / "pairs.csv", "--fmr", 0.01)
    code, told = tune(*words, "--fnmr", 0.05)
    assert code == 0
    assert re.search(r"gate\.threshold: [\d.]+ .* is the lowest with at most 5 % FNMR", flat(told))
    assert "\n+gate:\n" in told.out  # of all cameras, since none was named


def flat(told):
    return " ".join(told.err.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--write"], "--write needs a goal"),
        (["--source", "cellar"], "no source 'cellar' in the configuration; it has door, yard"),
        (["--source", "yard"], "this is a live camera: name recorded footage"),
        (["--forward-rate", "1"], "not between 0 and 1"),
        (["--per-minute", "0"], "not above 0"),
        (["--forward-rate", "30%"], "'30%' is no number, such as 6 or 0.3"),
        (["--forward-rate", "30"], "30 % is written 0.3"),
        (["--every", "0"], "0 is not between 1 and 1,000,000"),
        (["--every", "1.5"], "1.5 is no whole number"),
        (["--fnmr-labels", "pairs.csv"], "needs one SOURCE"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(tune, words, message):
    code, told = tune(*words)
    assert (code, message in flat(told)) == (64, True)


def test_footage_that_is_missing_is_named(tune):
    code, told = tune("nowhere.mp4")
    assert code == 1
    assert "nowhere.mp4: no such file or folder" in told.err


def test_a_configuration_that_cannot_be_changed_is_refused_before_any_footage_is(tune, config):
    text = config.read_text().replace("{name: yard", "{gate: {shift_at_most: 0.2}, name: yard")
    config.write_text(text)
    code, told = tune("walk.mp4", "--source", "yard", "--forward-rate", "0.5")
    assert code == 78
    assert "shift_at_most: decides here" in told.err
