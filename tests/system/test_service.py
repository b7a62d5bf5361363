"""The gate as a service: what docs/service.md promises, under a real systemd."""

from tests.system.devices import CHECKOUT
from tests.system.documented import block, sections
from tests.system.gate import CONFIGURATION, DROP_INS, PAIR

WRONG_CONFIGURATION = "78"


def main_process(gate):
    return gate.property("MainPID")


def restarted(gate, before):
    """Wait until systemd has started the gate anew by itself; return its new process."""

    def now():
        process = main_process(gate)
        return process if process not in {before, "0"} else None

    return gate.wait_until(now, "another process")


def wait_until_ready(gate):
    gate.wait_until(lambda: gate.property("ActiveState") == "active", "ready")


def damage(gate, folder):
    """Make a copy of the pair with one byte of a network changed."""
    gate.box.sh(f"cp -a {PAIR} {folder}")
    network = min(gate.box.path(folder).glob("*.onnx"))
    content = bytearray(network.read_bytes())
    content[len(content) // 2] ^= 1
    network.write_bytes(content)


def test_a_face_of_the_camera_is_delivered_after_a_boot(gate):
    face = gate.receive().face()
    assert face["login"] == "Bearer token"
    gate.wait_until(lambda: "1/1 source up" in gate.property("StatusText"), "the camera")
    assert gate.property("NRestarts") == "0"


def test_reload_takes_a_right_configuration_in_the_same_process(gate):
    before = main_process(gate)
    gate.configure(threshold=5)
    gate.type(block("Change it while it runs", "systemctl reload edge-gate"))
    gate.wait_until(lambda: "reloaded: " in gate.log(), "reloaded")
    assert main_process(gate) == before
    assert gate.receive().face()["key"]


def test_reload_of_what_cannot_work_fails_and_says_why_and_the_gate_goes_on(gate):
    before = main_process(gate)
    damage(gate, "/var/lib/edge-gate/damaged")
    mistakes = {
        f"{CONFIGURATION}:17:1: thresholt: unknown key": {"more": "thresholt: 1\n"},
        f"{CONFIGURATION}:1:7: pair: /var/lib/edge-gate/gone": {"pair": "/var/lib/edge-gate/gone"},
        "SHA-256 is": {"pair": "/var/lib/edge-gate/damaged"},
    }
    for said, keys in mistakes.items():
        gate.configure(**keys)
        assert gate.systemctl("reload", check=False).returncode != 0, said
        assert said in gate.log()
    assert main_process(gate) == before
    assert gate.receive().face()["key"]


def test_reload_of_the_pair_in_use_fails_when_its_files_were_damaged(gate):
    damage(gate, "/var/lib/edge-gate/damaged")
    gate.box.sh(f"rm -r {PAIR} && mv /var/lib/edge-gate/damaged {PAIR}")
    assert gate.systemctl("reload", check=False).returncode != 0
    assert gate.receive().face()["key"]


def test_a_gate_that_hangs_is_ended_by_the_watchdog_and_started_anew(gate):
    gate.box.path(f"{DROP_INS}/watchdog.conf").write_text("[Service]\nWatchdogSec=4\n")
    gate.box.run("systemctl", "daemon-reload")
    gate.systemctl("restart")
    before = main_process(gate)
    gate.box.run("kill", "-STOP", before)
    restarted(gate, before)
    wait_until_ready(gate)
    assert "watchdog" in gate.log().lower()
    assert gate.receive().face()["key"]


def test_a_killed_gate_is_started_anew(gate):
    before = main_process(gate)
    gate.box.run("kill", "-KILL", before)
    restarted(gate, before)
    wait_until_ready(gate)
    assert gate.property("NRestarts") == "1"
    assert gate.receive().face()["key"]


def test_what_cannot_work_ends_with_78_and_is_not_tried_again(gate):
    damage(gate, "/var/lib/edge-gate/damaged")
    members = "/var/cache/edge-gate/members"
    mistakes = {
        "thresholt": ({"more": "thresholt: 1\n"}, "true"),
        "gone": ({"pair": "/var/lib/edge-gate/gone"}, "true"),
        "SHA-256": ({"pair": "/var/lib/edge-gate/damaged"}, "true"),
        "ProtectHome=yes": ({"pair": f"{CHECKOUT}/pairs/mobilefacenet512"}, "true"),
        "chmod -R a+rX": ({}, f"chown -R root: {members} && chmod -R go= {members}"),
        "models fetch mtcnn": ({}, f"mv {members} {members}-gone"),
        "http_token": (
            {},
            f"mv {members}-gone {members}; chmod -R a+rX {members}; rm {DROP_INS}/*",
        ),
    }
    for said, (keys, before) in mistakes.items():
        gate.systemctl("stop")
        gate.configure(**keys)
        gate.box.sh(f"{before}; systemctl daemon-reload; systemctl reset-failed edge-gate")
        assert gate.systemctl("start", check=False).returncode != 0, said
        ended = [gate.property(name) for name in ("ActiveState", "NRestarts", "ExecMainStatus")]
        assert ended == ["failed", "0", WRONG_CONFIGURATION], said
        assert said in gate.log(), said


def test_check_and_doctor_say_what_the_service_cannot_see(gate):
    gate.configure(pair=f"{CHECKOUT}/pairs/mobilefacenet512")
    for command in ("check", "doctor"):
        done = gate.box.run("edge-gate", command, "--config", CONFIGURATION, check=False)
        assert done.returncode != 0
        said = " ".join((done.stdout + done.stderr).split())
        assert "the service cannot see /home" in said, command


def test_a_fetch_that_hangs_delays_no_start(gate):
    # As root made them, with documented commands; held, as by a download that gets no answer.
    locks = gate.box.sh("ls /var/cache/edge-gate/locks/*.lock").stdout.split()
    assert locks
    for lock in locks:
        gate.begin("flock", lock, "sleep", "infinity")
    gate.systemctl("restart")
    assert gate.receive().face()["key"]


def test_a_new_secret_is_in_use_after_the_documented_commands(gate):
    receiver = gate.receive()
    assert receiver.face()["login"] == "Bearer token"
    gate.type(block("Change it while it runs", "token-2"))
    receiver = gate.receive()
    assert receiver.face()["login"] == "Bearer token-2"
    assert "token-2" not in gate.box.run("journalctl", "--no-pager").stdout


def test_the_page_may_write_the_file_after_the_documented_commands(gate):
    gate.type(block("Change it while it runs", "ReadWritePaths"))
    writes = f"import os; print(os.access('{CONFIGURATION}', os.W_OK))"
    assert in_sandbox(gate, "python3", "-c", writes) == "True"


def test_stopping_does_not_wait_for_a_sink_that_hangs_and_its_faces_wait_for_the_next_start(gate):
    key = gate.receive(manner="hang").face()["key"]
    gate.systemctl("stop")
    assert (gate.property("Result"), gate.property("ExecMainStatus")) == ("success", "0")
    receiver = gate.receive()
    gate.systemctl("start")
    assert receiver.face()["key"] == key


def in_sandbox(gate, *words):
    """Run a command where the service runs, with its user and view of the file system."""
    inside = ("nsenter", "-t", main_process(gate), "-m", "--", "setpriv", "--reuid=edge-gate")
    return gate.box.run(*inside, "--clear-groups", *words).stdout.strip()


def test_the_service_has_no_rights_but_those_it_needs(gate):
    status = gate.box.run("cat", f"/proc/{main_process(gate)}/status").stdout
    held = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert (held["NoNewPrivs"], held["Seccomp"]) == ("1", "2")
    assert (int(held["CapEff"], 16), int(held["CapBnd"], 16)) == (0, 0)
    user = gate.box.run("id", "-u", "edge-gate").stdout.strip()
    assert held["Uid"].split() == [user] * 4
    groups = gate.box.run("id", "-Gn", "edge-gate").stdout.split()
    assert set(groups) == {"edge-gate", "render", "video"}


def test_the_service_sees_no_homes_and_writes_its_state_only(gate):
    assert in_sandbox(gate, "sh", "-c", "ls /home /root 2>/dev/null; true") in {
        "",
        "/home:\n\n/root:",
    }
    for folder in ("/etc/edge-gate", "/usr", "/var/lib"):
        assert in_sandbox(gate, "sh", "-c", f"touch {folder}/mark 2>/dev/null || echo no") == "no"
    assert in_sandbox(gate, "sh", "-c", "touch /var/lib/edge-gate/mark && echo yes") == "yes"


def test_faces_go_to_the_internet_after_the_documented_commands_only(gate):
    gate.box.run("ip", "address", "add", "203.0.113.7/32", "dev", "lo")
    receiver = gate.receive(address="203.0.113.7")
    gate.box.run("python3", "-c", "import socket; socket.create_connection(('203.0.113.7', 9000))")
    gate.configure(receiver="203.0.113.7")
    gate.systemctl("restart")
    gate.wait_until(lambda: "waiting for http" in gate.property("StatusText"), "refused")
    assert gate.property("IPAddressAllow") != ""
    gate.type(block("Sandbox and network", "IPAddressAllow"))
    assert receiver.face()["key"]


def test_an_upgrade_of_a_running_gate_keeps_what_is_the_users(gate):
    kept = f"cat {CONFIGURATION} {DROP_INS}/*; find /var/lib/edge-gate/pairs -type f | sort"
    before = gate.box.sh(kept).stdout
    stale = "/usr/local/lib/edge-gate/edge/left_over.py"
    gate.box.run("touch", stale)
    gate.type(r"""sed -i 's/^__version__ = .*/__version__ = "9.8.7"/' edge/__init__.py""")
    (commands,) = sections()["Upgrade"]
    gate.type(commands, online=True)
    assert gate.box.run("edge-gate", "--version").stdout == "edge-gate 9.8.7\n"
    assert gate.box.run("test", "-e", stale, check=False).returncode == 1
    assert gate.box.sh(kept).stdout == before
    assert gate.receive().face()["key"]


def test_removing_leaves_nothing_but_what_the_second_step_is_for(gate):
    uninstall, forget = sections()["Remove"]
    gate.type(uninstall)
    assert gate.property("LoadState") == "not-found"
    found = "find / -xdev -name '*edge-gate*' -not -path '/proc/*' -not -path '/home/*'"
    left = set(gate.box.sh(f"{found} -not -path '/tmp/*'").stdout.split())
    assert left == {"/etc/edge-gate", "/var/lib/edge-gate", "/var/cache/edge-gate", DROP_INS}
    gate.box.run("test", "-e", CONFIGURATION)
    gate.type(forget)
    assert gate.box.sh(f"{found} -not -path '/tmp/*'").stdout.split() == []
    assert gate.box.run("id", "edge-gate", check=False).returncode != 0
