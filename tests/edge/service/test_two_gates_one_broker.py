"""Two real gates of one name at one real broker."""

import json
import urllib.request

import pytest

from tests.edge import mqtt_broker
from tests.edge.mqtt_broker import free_port
from tests.edge.mqtt_relay import TAKEN_OVER, relaying
from tests.edge.running_gate import ENGINES, RunningGate
from tests.edge.watching import until

pytestmark = pytest.mark.registry


def asked(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return answer.read().decode()


def test_they_say_so_in_log_status_and_metrics(tmp_path, material):
    pages = (free_port(), free_port())
    with (
        mqtt_broker.running(tmp_path) as broker,
        relaying(broker.port, last_words=TAKEN_OVER) as relay,
    ):

        def written(name, listen):
            engines = ENGINES.replace("pair: pair", f"pair: {material}/pair")
            path = tmp_path / f"{name}.yaml"
            path.write_text(
                engines.replace("127.0.0.1:0", f"127.0.0.1:{listen}")
                + f"sources: [{{name: clip, uri: {material}/walks.mp4, loop: true, "
                "pace: timestamps}]\n"
                f"sinks: [{{type: mqtt, host: localhost, port: {relay.port}, tls: false, "
                "device: box}]\n"
                f"delivery: {{outbox: {{path: {name}.sqlite}}, "
                "backoff: {first: 20ms, at_most: 50ms}}\n"
            )
            return path

        def sink(page):
            return json.loads(asked(page, "/status"))["sinks"][0]

        def losers():
            return [page for page in pages if sink(page)["losses"].get("taken_over")]

        one, two = (RunningGate(written(f"gate-{page}", page)) for page in pages)
        with one, two:
            for gate in (one, two):
                gate.wait_for("READY=1")
            until(losers)
            loser = losers()[0]
            assert "give each gate a device: of its own" in sink(loser)["last_error"]
            told = 'edge_gate_connection_losses_total{cause="taken_over",sink="mqtt"}'
            assert told in asked(loser, "/metrics")
            (one, two)[pages.index(loser)].wait_for_log("took the session over (0x8E)")
