"""Where the page listens, and how a reload moves it."""

import socket
import subprocess
import sys
from http.client import HTTPConnection

import pytest

from edge.config.file import read_config
from edge.config.page import PageSettings
from edge.errors import ConfigError
from edge.page.page import Page
from tests.edge.looked_at import CONFIGURATION, NEEDS_A_TOKEN, TOKEN, Face, looked_at, observation
from tests.edge.running_gate import ENGINES, ROOT
from tests.pairs import put_pair


def test_an_address_in_use_is_a_mistake_of_the_configuration_that_names_the_way_out(gate, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "gate.yaml").write_text(
        (CONFIGURATION % "").replace("127.0.0.1:0", f"127.0.0.1:{gate.page.port}")
    )
    with pytest.raises(ConfigError, match=r"page.listen: .* in use.*another port, or 0"):
        Page(read_config(other / "gate.yaml").config)


def test_an_address_that_nobody_asked_for_does_not_stop_the_gate(gate, caplog):
    in_use = f"127.0.0.1:{gate.page.port}"
    unasked = PageSettings.model_construct(_fields_set=set(), listen=in_use)
    config = read_config(gate.path).config.model_copy(update={"page": unasked})
    assert Page(config).port is None
    assert "the gate runs without its page" in caplog.text


def test_an_address_of_another_machine_is_explained(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text((CONFIGURATION % NEEDS_A_TOKEN).replace("127.0.0.1:0", "192.0.2.1:0"))
    (tmp_path / "token").write_text(TOKEN)
    with pytest.raises(ConfigError, match="no network of this machine has it"):
        Page(read_config(path).config)


def test_a_short_token_is_refused(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(CONFIGURATION % NEEDS_A_TOKEN)
    (tmp_path / "token").write_text("horse")
    with pytest.raises(ConfigError, match="shorter than 16 characters"):
        Page(read_config(path).config)


def following(gate, keys):
    gate.path.write_text(CONFIGURATION % keys)
    return read_config(gate.path).config


def test_another_token_is_taken_over_without_a_new_address(guarded, tmp_path):
    port = guarded.page.port
    (tmp_path / "token").write_text("another-horse-battery")
    with guarded.page.changing(following(guarded, NEEDS_A_TOKEN)):
        pass
    assert guarded.page.port == port
    assert guarded.ask("/api/state", Authorization=f"Bearer {TOKEN}")[0] == 401
    assert guarded.ask("/api/state", Authorization="Bearer another-horse-battery")[0] == 200


def test_another_address_takes_over_and_the_old_one_is_given_back(gate):
    old = gate.page.port
    kept = HTTPConnection("127.0.0.1", old, timeout=30)
    kept.request("GET", "/icon.svg")
    kept.getresponse().read()
    with gate.page.changing(following(gate, "").model_copy(update={"page": elsewhere()})):
        pass
    assert gate.page.port != old
    assert gate.ask("/api/state")[0] == 200
    kept.request("GET", "/icon.svg")
    assert kept.getresponse().headers["Connection"] == "close"
    kept.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old))


def elsewhere():
    return PageSettings(listen="localhost:0")


def test_a_reload_that_fails_leaves_the_page_where_it_was(gate):
    port = gate.page.port
    config = following(gate, "").model_copy(update={"page": elsewhere()})
    with pytest.raises(ConfigError, match="the pair is gone"), gate.page.changing(config):
        raise ConfigError("the pair is gone")
    assert gate.page.port == port
    assert gate.ask("/api/state")[0] == 200


def test_the_same_port_of_all_addresses_is_taken_over_from_one_of_them(gate, caplog):
    port = gate.page.port
    wider = (CONFIGURATION % NEEDS_A_TOKEN).replace("127.0.0.1:0", f"0.0.0.0:{port}")
    gate.path.write_text(wider)
    with gate.page.changing(read_config(gate.path).config):
        pass
    assert gate.page.port == port
    assert gate.ask("/api/state", Authorization=f"Bearer {TOKEN}")[0] == 200
    assert "faces and the token travel unencrypted" in caplog.text


def test_the_same_port_of_an_address_that_is_not_ours_leaves_the_page_where_it_was(tmp_path):
    with looked_at(tmp_path) as other:
        port = other.page.port
    own = CONFIGURATION.replace("127.0.0.1:0", f"127.0.0.1:{port}")
    with looked_at(tmp_path, text=own) as gate:
        gate.path.write_text((own % NEEDS_A_TOKEN).replace("127.0.0.1", "192.0.2.1"))
        config = read_config(gate.path).config
        refused = pytest.raises(ConfigError, match="no network of this machine")
        with refused, gate.page.changing(config):
            pytest.fail("the block must not begin")
        assert gate.ask("/api/state")[0] == 200


def test_a_page_that_is_not_enabled_listens_nowhere_and_remembers_nothing(tmp_path):
    path = tmp_path / "gate.yaml"
    path.write_text(CONFIGURATION % ", enabled: false")
    page = Page(read_config(path).config)
    page.take(observation((Face(80),)))
    assert page.port is None
    assert page._memories == {}


@pytest.mark.registry
def test_a_port_in_use_ends_the_gate_with_the_exit_code_of_a_wrong_configuration(gate, tmp_path):
    put_pair(tmp_path)
    path = tmp_path / "taken.yaml"
    taken = ENGINES.replace("127.0.0.1:0", f"127.0.0.1:{gate.page.port}")
    path.write_text(
        f"{taken}sources: [{{name: d, uri: 'v4l2:///dev/video99'}}]\nsinks: [{{type: stdout}}]\n"
    )
    command = [sys.executable, "-m", "edge", "run", "--config", path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 78
    assert "page.listen" in done.stderr
