"""`score` and `evaluate` on a real Dask cluster of two workers, some of which die."""

import json
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper

import pytest

import edge.cluster.client
from edge.__main__ import main
from edge.cluster.parquet import read_rows
from edge.cluster.score_part import COLUMNS
from tests.edge import dask_cluster
from tests.edge.commands.test_evaluate import pair_lines, photographs
from tests.edge.dask_cluster import command, ended, stopped, wait_for_parts
from tests.edge.mqtt_broker import free_port
from tests.edge.running_gate import write_walks
from tests.edge.warm_process import imported
from tests.quality_networks import write_brightness

pytestmark = pytest.mark.registry

PEOPLE = 5
PARTS = 9
"""Of 16 images, two in each, and a video."""


@pytest.fixture(scope="module")
def work(tmp_path_factory, folder):
    """An engine pair, photographs of which one is cut, a video, and pairs of photographs."""
    pair, folder = folder, tmp_path_factory.mktemp("cluster")
    (folder / "pair").symlink_to(pair)
    (folder / "images").mkdir()
    people = dict(list(photographs(folder / "images").items())[:PEOPLE])
    kept = {name for shots in people.values() for name in shots}
    for path in (folder / "images").iterdir():
        if path.name not in kept:
            path.unlink()
    (folder / "images" / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (folder / "pairs.csv").write_text("\n".join(["image_a,image_b,mated", *lines(people)]))
    write_walks(folder / "walk.mp4", people=("obama.jpg",))
    return folder


def lines(people):
    yield from (line for line in pair_lines(people) if "wall.png" not in line)
    yield f"cut.jpg,{next(iter(people.values()))[0]},0"


@pytest.fixture(scope="module", autouse=True)
def _imported():
    with imported(*dask_cluster.IMPORTED):
        yield


@pytest.fixture(scope="module")
def cluster(work):
    with dask_cluster.running(work, workers=2) as running:
        yield running


def inputs(work):
    return [work / "images", work / "walk.mp4", "--pair", work / "pair", "--threads", "1"]


def words(work, address, out):
    place = ["--cluster", address, "--part-size", "2", "--out", out]
    return ["score", *inputs(work), *place]


@pytest.fixture(scope="module")
def local(work):
    """Rows of the same files scored by this machine."""
    out = work / "local.jsonl"
    code, _, said = here("score", *inputs(work), "--json", "--out", out)
    assert (code, "cut.jpg" in said) == (1, True)
    records = [json.loads(line) for line in out.read_text().splitlines()]
    return [{name: (each | each["box"])[name] for name in COLUMNS} for each in records]


def here(*options):
    """Run a command in this process; return what `ended` does. Most of a process is its start."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code(options)
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode())
    return code, *said


def rows(out):
    return [row for path in sorted(out.glob("part-*.parquet")) for row in read_rows(path)]


def parts(out):
    """Return what tells a part from one written anew."""
    return {path.name: path.stat().st_ino for path in out.glob("part-*.parquet")}


@pytest.fixture(scope="module")
def scored(work, cluster):
    """The folder of a whole run, and how it ended."""
    out = work / "scored"
    return out, ended(command(*words(work, cluster.address, out)))


def test_a_cluster_scores_to_the_last_bit_what_one_machine_scores(local, scored):
    out, (code, _, said) = scored
    assert (len(parts(out)), rows(out)) == (PARTS, local)
    assert (code, "cut.jpg: cannot be read" in said) == (1, True)
    assert "cut.jpg" in (out / "failures.txt").read_text()


def test_a_complete_folder_needs_no_cluster(work, scored, capsys):
    out, (_, _, before) = scored
    assert exit_code(words(work, "tcp://127.0.0.1:1", out)) == 1
    summary = before.splitlines()[-1]
    assert summary in " ".join(capsys.readouterr().err.split())


def test_a_worker_killed_in_the_middle_loses_nothing(work, cluster, local, tmp_path):
    with stopped(cluster.workers[0]):
        run = command(*words(work, cluster.address, tmp_path))
        wait_for_parts(tmp_path, 2, run)
        cluster.workers[0].process.kill()
    assert ended(run)[0] == 1  # for the cut image only
    cluster.kill_worker(0)
    cluster.add_workers(1)
    assert rows(tmp_path) == local


def test_a_run_goes_on_where_it_was_interrupted(work, cluster, local, tmp_path):
    again = words(work, cluster.address, tmp_path)
    with stopped(cluster.workers[0]):
        for number, code, most in ((signal.SIGINT, 130, 1), (signal.SIGKILL, -9, 3)):
            run = command(*again)
            wait_for_parts(tmp_path, most, run)
            run.send_signal(number)
            ended_by, _, said = ended(run)
            assert ended_by == code, said
    before = parts(tmp_path)
    assert len(before) < PARTS
    assert ended(command(*again))[0] == 1  # for the cut image only
    assert parts(tmp_path).items() >= before.items()
    assert rows(tmp_path) == local


def test_only_the_part_of_a_changed_image_is_computed_again_and_another_job_is_refused(
    work, cluster, tmp_path
):
    images = tmp_path / "images"
    images.mkdir()
    for path in sorted((work / "images").glob("*.png"))[:4]:
        (images / path.name).symlink_to(path)
    broken = images / "z.png"
    broken.write_bytes(b"cut")
    out = tmp_path / "out"
    again = ["score", images, "--pair", work / "pair", "--threads", 1, "--part-size", 2]
    again += ["--cluster", cluster.address, "--out", out]
    assert here(*again)[0] == 1
    before = parts(out)
    broken.write_bytes(next(images.glob("*.png")).read_bytes())
    assert here(*again)[0] == 0
    after = parts(out)
    assert [name for name in before if before[name] != after[name]] == ["part-000002.parquet"]
    assert not (out / "failures.txt").exists()
    code, _, said = here(*again, "--threshold", 60)
    assert (code, "holds the results of another job (gate was" in said) == (1, True)


def test_a_worker_of_another_release_is_refused(work, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.cluster.work.__version__", "9.9")
    code, _, said = here(*words(work, cluster.address, tmp_path))
    assert (code, "instead of 9.9: install the same release there" in said) == (1, True)
    assert parts(tmp_path) == {}


def test_a_part_that_kills_its_workers_is_named_and_the_others_are_kept(work, local, tmp_path):
    strict = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    out = tmp_path / "out"
    with dask_cluster.running(tmp_path, 2, strict) as cluster:
        with stopped(cluster.workers[0]):
            run = command(*words(work, cluster.address, out))
            wait_for_parts(out, 1, run)
            cluster.workers[0].process.kill()
        code, _, said = ended(run)
        assert (code, "not computed, workers died of them" in said) == (1, True)
        assert len(parts(out)) == PARTS - said.count("workers died of them")
    assert all(row in local for row in rows(out))


def impatient():
    """Be `edge-gate` that does not wait long for a scheduler."""
    edge.cluster.client.CONNECT_S = 1
    return main()


def test_without_its_scheduler_a_run_ends_and_keeps_what_it_has(work, tmp_path):
    out = tmp_path / "out"
    with dask_cluster.running(tmp_path, 1) as cluster:
        run = command(*words(work, cluster.address, out), program=impatient)
        wait_for_parts(out, 1, run)
        with stopped(cluster.workers[0]):
            cluster.scheduler.process.kill()
            code, _, said = ended(run)
    assert (code, "the scheduler is gone; start it and its workers" in said) == (1, True), said
    assert 0 < len(parts(out)) < PARTS


def test_an_evaluation_on_a_cluster_finds_the_same(work, cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.evaluation.run.TIMED_ROUNDS", 1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    options = ["--pairs", work / "pairs.csv", "--images", work / "images", "--pair", work / "pair"]
    options += ["--verify-with", work / "pair", "--measures", "prefiqs,norm,snr"]
    options += ["--degrade", "3", "--json", "--measure", write_brightness(tmp_path)]
    code, found, _ = here("evaluate", *options, "--out", tmp_path / "here")
    place = ["--cluster", cluster.address, "--part-size", "4", "--out", tmp_path / "there"]
    same_code, same, messages = here("evaluate", *options, *place)
    assert (same_code, without_times(same)) == (code, without_times(found)), messages
    assert "cut.jpg" in messages


def without_times(text):
    """An evaluation without what differs from run to run."""
    found = json.loads(text)
    assert found.pop("milliseconds").keys() == {"prefiqs", "norm", "snr", "brightness"}
    return found


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--json"], 64, "leave out --json"),
        ([], 64, "needs --out DIR"),
        (["--part-size", "0"], 64, "not between 1 and"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(work, capsys, more, code, said):
    options = ["score", *inputs(work), "--cluster", "tcp://127.0.0.1:1", *more]
    assert exit_code(options) == code
    assert said in capsys.readouterr().err


def exit_code(options):
    try:
        return main(list(map(str, options)))
    except SystemExit as ended_by:  # argparse ends this way
        return ended_by.code


def test_without_the_extra_the_message_says_what_to_install(work, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert exit_code(words(work, "tcp://127.0.0.1:1", tmp_path)) == 64
    assert "pip install 'edge-gate[cluster]'" in capsys.readouterr().err


def test_a_scheduler_that_is_not_there_is_named_with_the_next_step(work, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.cluster.client.CONNECT_S", 0.2)
    code, _, said = here(*words(work, f"tcp://127.0.0.1:{free_port()}", tmp_path))
    assert (code, "no scheduler answers" in said, "dask scheduler" in said) == (1, True, True)


def test_an_unwritable_folder_is_refused(work, tmp_path, capsys):
    (tmp_path / "file").write_bytes(b"")
    assert exit_code(words(work, "tcp://127.0.0.1:1", tmp_path / "file" / "out")) == 1
    assert "cannot be written" in capsys.readouterr().err
