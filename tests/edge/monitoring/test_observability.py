"""The dashboard and the alert rules, checked by Prometheus's own tool."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from edge.monitoring.metrics import Metrics
from tests.edge.monitoring.test_metrics import BUSY

FOLDER = Path(__file__).parents[3] / "configs" / "observability"
NAMES = re.compile(r"\bedge_gate_[a-z_]+")


@pytest.fixture
def promtool():
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: apt-get install prometheus")

    def run(*words):
        done = subprocess.run(
            ["promtool", *map(str, words)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def told_names():
    metrics = Metrics(lambda: BUSY)
    metrics.scored("door", 35)
    metrics.took("detect", 0.02)
    return set(NAMES.findall(metrics.text().decode()))


def panels():
    return json.loads((FOLDER / "dashboard.json").read_text())["panels"]


def expressions():
    return [target["expr"] for panel in panels() for target in panel["targets"]]


def test_rules_are_right_and_ring_when_they_should(promtool):
    promtool("check", "rules", FOLDER / "alerts.yml")
    promtool("test", "rules", FOLDER / "alerts.test.yml")


def test_the_example_of_a_scrape_is_right(promtool):
    promtool("check", "config", "--syntax-only", FOLDER / "prometheus.yml")


def test_every_expression_of_the_dashboard_is_promql(promtool, tmp_path):
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions())
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", path)


@pytest.mark.parametrize("file", ["dashboard.json", "alerts.yml", "alerts.test.yml"])
def test_every_metric_that_is_asked_for_is_told(file):
    asked = set(NAMES.findall((FOLDER / file).read_text()))
    assert asked
    assert asked <= told_names()


def test_every_metric_that_is_told_is_shown():
    families = {name.removesuffix("_total") for name in NAMES.findall("\n".join(expressions()))}
    shown = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in families}
    told = {re.sub(r"_(bucket|sum|count|created|total)$", "", name) for name in told_names()}
    threads = {"edge_gate_thread_up", "edge_gate_thread_failures"}
    assert told - shown == {"edge_gate_outbox_dead_faces"} | threads  # alerts of their own


def test_panels_do_not_lie_over_one_another():
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
