"""A threshold is applied from the page, in a real browser; the console must not complain."""

import json
import re
import signal

import pytest

from tests.edge.looked_at import PEOPLE
from tests.edge.running_gate import ENGINES, RunningGate, write_walks
from tests.pairs import put_pair

DOOR = "#camera-door"


def apply(tab, camera):
    """Press the button and agree."""
    tab.focus(f"{camera} .apply")
    tab.press("Enter")
    tab.until_text("#confirm[open]", "is retuned")
    tab.press("Tab")
    tab.press("Enter")


def test_a_threshold_is_applied_after_a_confirmation_and_leaves_the_rest_of_the_file(tab, serve):
    gate = serve(PEOPLE, ", allow_apply: true")
    before = gate.path.read_text()
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect: 50")
    tab.focus(f"{DOOR} input[type=range]")
    tab.press("ArrowRight", times=20)
    tab.until_text(f"{DOOR} .verdict", "At 60")
    tab.focus(f"{DOOR} .apply")
    tab.press("Enter")
    assert "door is retuned" in tab.until_text("#confirm[open]", "threshold 50 → 60?")
    assert tab.run("document.activeElement.value") == "no"
    assert gate.path.read_text() == before
    tab.press("Tab")
    tab.press("Enter")
    tab.until_text(f"{DOOR} .applied", "✓ In effect: 60.")
    tab.until_text(f"{DOOR} .verdict", "In effect: 60.")
    after = gate.path.read_text()
    door = '  - {gate: {threshold: 60}, name: door, uri: "rtsp://camera/door"}\n'
    assert after == before.replace('  - {name: door, uri: "rtsp://camera/door"}\n', door)


def test_a_threshold_is_left_alone_without_the_confirmation(tab, serve):
    gate = serve(PEOPLE, ", allow_apply: true")
    before = gate.path.read_text()
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect: 50")
    tab.focus(f"{DOOR} input[type=range]")
    tab.press("Home")
    tab.until_text(f"{DOOR} .verdict", "At 0")
    tab.focus(f"{DOOR} .apply")
    tab.press("Enter")
    tab.until_text("#confirm[open]", "?")
    tab.press("Enter")
    tab.until("!document.querySelector('#confirm').open")
    assert gate.path.read_text() == before
    assert gate.page.reloaded.number == 0


def test_a_gate_that_refuses_what_was_written_is_quoted(tab, serve):
    gate = serve(PEOPLE, ", allow_apply: true")
    gate.refuses = "the pair is gone"
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect: 50")
    tab.focus(f"{DOOR} input[type=range]")
    tab.press("ArrowRight")
    apply(tab, DOOR)
    tab.until_text(f"{DOOR} .applied", "Written, but not in effect: the pair is gone")


def test_nothing_is_applied_unless_the_configuration_allows_it(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect: 50")
    assert tab.run(f"getComputedStyle(document.querySelector('{DOOR} .apply')).display") == ("none")


def test_a_mask_is_drawn_by_keyboard_previewed_and_applied_and_comments_stay(tab, serve):
    gate = serve(PEOPLE, ", allow_apply: true")
    tab.open(f"{gate.address}/#/door/area")
    tab.until_text(f"{DOOR} .area-said", "This is in effect")
    tab.focus(f"{DOOR} .add-mask")
    tab.press("Enter")
    assert "Mask 1, corner" in tab.run("document.activeElement.getAttribute('aria-label')")
    tab.until_text(f"{DOOR} .area-said", "None of the last 9 faces would change")
    # The eyes of all are at 7 and 8 %; the first corner is at 35 %.
    tab.press("ArrowLeft", times=35)
    tab.press("ArrowUp", times=35)
    tab.press("Tab")
    tab.run(f"document.querySelector('{DOOR} [data-at=\"0-0\"]').focus()")
    tab.until_text(f"{DOOR} .area-said", "9 people would be under a mask")
    assert re.findall(r"✗ 90\s+forwarded now", tab.text(f"{DOOR} .area-masked"))
    tab.run(f"document.querySelector('{DOOR} .add-hours').click()")
    tab.until(f"document.querySelector('{DOOR} .area-yaml').textContent.includes('18:00')")
    tab.focus(f"{DOOR} .area-apply")
    tab.press("Enter")
    assert "door is retuned" in tab.until_text("#confirm[open]", "other masks and hours?")
    tab.press("Tab")
    tab.press("Enter")
    tab.until_text(f"{DOOR} .area-applied", "✓ In effect.")
    door = gate.config.sources[0]
    assert door.masks == ("0,0 0.65,0.35 0.65,0.65 0.35,0.65",)
    assert (door.schedule[0].start, door.schedule[0].end) == ("08:00", "18:00")
    assert "# the shop's two cameras" in gate.path.read_text()


def test_a_mask_is_dragged_with_a_pointer(tab, serve):
    gate = serve(PEOPLE)
    tab.open(f"{gate.address}/#/door/area")
    tab.until_text(f"{DOOR} .area-said", "This is in effect")
    tab.run(f"document.querySelector('{DOOR} .add-mask').click()")
    box = f"document.querySelector('{DOOR} .drawing').getBoundingClientRect()"
    left, top, width, height = tab.run(f"[{box}.left, {box}.top, {box}.width, {box}.height]")
    steps = (("mousePressed", 0.35, 0.35), ("mouseMoved", 0.2, 0.2), ("mouseReleased", 0.1, 0.1))
    for kind, x, y in steps:
        at = {"x": left + x * width, "y": top + y * height, "button": "left", "clickCount": 1}
        tab.call("Input.dispatchMouseEvent", type=kind, buttons=1, **at)
    tab.until(f"document.querySelector('{DOOR} .area-yaml').textContent.includes('0.65')")
    first = tab.run(f"document.querySelector('{DOOR} .area-yaml').textContent.split('- ')[2]")
    assert [float(each) for each in first.split()[0].split(",")] == pytest.approx(
        [0.2, 0.2], abs=0.11
    )
    assert tab.run(f"document.querySelector('{DOOR} .area-apply').hidden")


def asked(tab, path):
    return tab.run(f"fetch('{path}').then((answer) => answer.text())")


@pytest.mark.registry
def test_a_running_gate_is_looked_at_and_tuned_while_one_of_its_cameras_is_dead(tab, tmp_path):
    put_pair(tmp_path)
    write_walks(tmp_path / "walks.mp4")
    path = tmp_path / "gate.yaml"
    path.write_text(
        f"{ENGINES}sources:\n"
        "  - {name: clip, uri: walks.mp4, loop: true, pace: timestamps}   # the entrance\n"
        "  - {name: dead, uri: 'rtsp://user:geheim@127.0.0.1:9/none'}\n"
        "sinks: [{type: directory, path: faces}]\n"
    )
    path.write_text(path.read_text().replace('0"}', '0", allow_apply: true}'))
    with RunningGate(path) as gate:
        address = str(gate.wait_for_log("look at http://")["message"]).split()[-1]
        tab.open(f"{address}#/clip")
        tab.until_text("#camera-clip .forwarded", "✓")
        assert "nothing listens" in tab.until_text("#cameras", "127.0.0.1:9")
        assert "geheim" not in tab.run("document.documentElement.outerHTML")
        label = "document.querySelector('#camera-clip canvas').getAttribute('aria-label')"
        tab.until(f"{label}.includes('✓')")
        tab.focus("#camera-clip input[type=range]")
        tab.press("ArrowRight")
        tab.until_text("#camera-clip .verdict", "At 0.5")
        apply(tab, "#camera-clip")
        tab.until_text("#camera-clip .applied", "✓ In effect: 0.5.")
        gate.wait_for_log("reloaded: clip is retuned")
        figures = asked(tab, "/metrics")
        assert 'edge_gate_camera_up{camera="dead"} 0.0' in figures
        assert json.loads(asked(tab, "/status"))["cameras"][0]["name"] == "clip"
        assert [asked(tab, path) for path in ("/livez", "/readyz")] == ["yes\n"] * 2
        tab.open("about:blank")
        gate.send(signal.SIGTERM)
        assert gate.process.wait(60) == 0
    assert "threshold: 0.5}, name: clip" in path.read_text()
    assert "# the entrance" in path.read_text()
