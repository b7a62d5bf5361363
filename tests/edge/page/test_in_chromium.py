"""The page in a real browser. Nothing it does may make the console complain, or ask elsewhere."""

import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import pytest

from edge.history.tables import Event, add_events
from edge.samples import Reason
from tests.edge.looked_at import NEEDS_A_TOKEN, PEOPLE, TOKEN, Face, observation
from tests.edge.statuses import gate_status

DOOR = "#camera-door"
PIXEL = """(() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d");
  pen.drawImage(document.querySelector("%s canvas"), -%d, -%d);
  return [...pen.getImageData(0, 0, 1, 1).data];
})()"""
WATCHED = "performance.getEntriesByType('resource').some((one) => one.name.includes('door/frame'))"


@contextmanager
def streaming(gate):
    """Show frames with a face that is not decided, one after the other, as a camera does."""
    over = threading.Event()

    def frames():
        for number in count():
            gate.page.take(observation((Face(None, 1, Reason.NOT_BEST),), number=number))
            if over.wait(0.05):
                return

    thread = threading.Thread(target=frames)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_forwarded_faces_come_newest_first_and_near_misses_best_first(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    forwarded = tab.until_text(f"{DOOR} .forwarded", "✓ 90")
    missed = tab.until_text(f"{DOOR} .missed", "✗ 20")
    assert re.findall(r"✓ \d+", forwarded) == ["✓ 90", "✓ 80", "✓ 70", "✓ 60", "✓ 50"]
    assert re.findall(r"✗ .+", missed) == ["✗ 40", "✗ 30", "✗ 20", "✗ too small"]
    assert "low quality" in missed
    tab.run(
        f"[...document.querySelectorAll('{DOOR} .reasons option')]"
        ".find((one) => one.value === 'too small').selected = true"
    )
    tab.run(f"document.querySelector('{DOOR} .reasons').dispatchEvent(new Event('change'))")
    assert re.findall(r"✗ .+", tab.text(f"{DOOR} .missed")) == ["✗ too small"]


def test_every_picture_of_a_face_is_large_enough_to_judge(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    tab.until("document.querySelectorAll('.faces img').length === 9")
    tab.until(
        "[...document.querySelectorAll('.faces img')].every((face) => face.naturalWidth === 112)"
    )
    assert tab.run("document.querySelector('.faces img').clientWidth") > 90


def test_a_face_is_opened_with_its_record_and_the_next_one_by_keyboard(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .missed", "✗ 20")
    tab.focus(f"{DOOR} .missed button")
    tab.press("Enter")
    shown = tab.until_text("#face[open]", "The whole record")
    assert shown.startswith("door: ✗ 40")
    assert "As a test says: low_quality." in shown
    record = json.loads(tab.run("document.querySelector('#face pre').textContent"))
    assert (record["score"], record["camera"], record["reason"]) == (40, "door", "low_quality")
    tab.press("ArrowRight")
    tab.until_text("#face h2", "✗ 30")
    tab.press("Escape")
    tab.until("!document.querySelector('#face').open")
    assert tab.run("document.activeElement.className") == "face"


def test_boxes_are_told_apart_by_words_and_not_by_colour_alone(tab, serve):
    faces = (Face(80, 1, left=10), Face(20, 2, left=100), Face(None, 3, left=200))
    gate = serve()
    tab.open(gate.address)
    tab.until(WATCHED)
    gate.show(observation(faces))
    label = f"document.querySelector('{DOOR} canvas').getAttribute('aria-label')"
    shown_words = tab.until(f"{label}.includes('3 faces') && {label}")
    assert shown_words == "Live picture, 3 faces: ✓ 80; ✗ 20 low quality; ✗ too small"
    # The picture fills the canvas, and the first box is where its face is: green, solid.
    scale = tab.run(f"document.querySelector('{DOOR} canvas').width") / 320
    background = tab.run(PIXEL % (DOOR, round(300 * scale), round(200 * scale)))
    edge = tab.run(PIXEL % (DOOR, round(10 * scale), round(95 * scale)))
    assert background[:3] == pytest.approx([30, 60, 90], abs=8)  # JPEG, and R comes first
    assert edge[:3] == pytest.approx([0x3D, 0xDC, 0x84], abs=8)


def test_the_slider_tells_by_keyboard_what_another_threshold_would_do(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    before = tab.until_text(f"{DOOR} .verdict", "In effect")
    tab.focus(f"{DOOR} input[type=range]")
    tab.press("ArrowLeft", times=21)  # half a point each: 39.5
    moved = tab.until_text(f"{DOOR} .verdict", "At 39.5")
    title = tab.text(f"{DOOR} .gained-title")
    gained = tab.text(f"{DOOR} .gained")
    tab.run(f"document.querySelector('{DOOR} details').open = true")
    lines = tab.text(f"{DOOR} pre")
    tab.run(f"document.querySelector('{DOOR} .back').click()")
    after = tab.until_text(f"{DOOR} .verdict", "In effect: 50. Of")
    words = "5 of 9 faces (56\u00a0%), 5 of 9 tracks. Discarded at any threshold: too small 1."
    assert before == after == f"In effect: 50. Of the faces assessed last it passes {words}"
    assert moved.startswith("At 39.5: 6 of 9 faces (67\u00a0%), 6 of 9 tracks.")
    assert title == "1 track would reach the threshold as well"
    assert re.findall(r"✓ \d+", gained) == ["✓ 40"]
    assert lines == "sources:\n- name: door\n  gate:\n    threshold: 39.5\n"


def test_who_gets_no_face_comes_first_in_a_line_of_its_own(tab, serve):
    gate = serve()
    for score, track in ((48, 1), (63, 2), (71, 3), (88, 4)):
        looked = observation((Face(score, track),), number=track)
        gate.show(replace(looked, outcome=replace(looked.outcome, confirmed=frozenset({track}))))
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect")
    tab.focus(f"{DOOR} input[type=range]")
    tab.press("ArrowRight", times=30)
    first, rest = tab.until_text(f"{DOOR} .verdict", "At 65: ").split("\n", 1)
    assert first.startswith("At 65, 2 of 4 people get no face: the best of them is 63.")
    assert rest.startswith("At 65: 2 of 4 faces")
    assert tab.text(f"{DOOR} .lost-title") == "1 track would no longer reach it"
    assert re.findall(r"✗ 63\s+forwarded now", tab.text(f"{DOOR} .lost"))


def test_a_number_out_of_range_is_not_taken(tab, serve):
    gate = serve(PEOPLE)
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect")
    tab.run(f"document.querySelector('{DOOR} input[type=number]').select()")
    tab.type("65")
    tab.until_text(f"{DOOR} .verdict", "At 65")
    tab.type("0")  # 650
    assert tab.run(f"document.querySelector('{DOOR} input[type=range]').value") == "65"


def test_a_camera_without_a_threshold_says_what_decides(tab, serve):
    gate = serve()
    tab.open(f"{gate.address}/#/yard")
    words = tab.until_text("#camera-yard .tune", "shift_at_most")
    assert "Try a threshold" not in words


def test_a_gate_that_saw_nobody_says_so(tab, serve):
    gate = serve()
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "No face was assessed yet")
    assert tab.text(f"{DOOR} .latest") == "Forwarded last\n\nNone yet."
    assert tab.text(f"{DOOR} .misses").endswith("Nobody yet.")
    assert tab.text(f"{DOOR} .nothing") == "Waiting for a picture …"


def test_a_dead_camera_comes_first_in_one_line_and_the_others_go_on(tab, serve):
    gate = serve(PEOPLE)
    gate.states["yard"] = "lost"
    gate.errors["yard"] = "rtsp://…@camera/yard cannot be opened (<b>refused</b>)"
    tab.open(gate.address)
    lines = tab.until_text("#cameras", "door").splitlines()
    assert lines[:3] == ["✗", "yard", f"lost: {gate.errors['yard']}"]
    line = "document.querySelector('#cameras a').getBoundingClientRect().height"
    assert tab.run(line) < 60
    assert tab.text("#verdict") == "⚠ 1 of 2 cameras need a look"
    with streaming(gate):
        tab.until(f"!document.querySelector('{DOOR} .screen')?.classList.contains('old')")
    tab.run("document.querySelector('#cameras a').click()")
    assert tab.until_text("#camera-yard .error", "refused") == gate.errors["yard"]
    assert tab.text("#camera-yard .screen") == ""  # no half a screen of black


def test_a_phone_shows_the_list_or_a_camera_and_the_way_back(tab, serve):
    gate = serve(PEOPLE)
    tab.size(390, 844)
    tab.open(gate.address)
    tab.until_text("#cameras", "door")
    assert tab.text(DOOR) == ""
    tab.run("[...document.querySelectorAll('#cameras a')].at(0).click()")
    tab.until_text(f"{DOOR} .forwarded", "✓ 90")
    assert tab.text("#cameras") == ""
    tab.run(f"document.querySelector('{DOOR} .up').click()")
    tab.until_text("#cameras", "yard")
    tab.run("history.back()")
    tab.until_text(f"{DOOR} h2", "door")


def test_what_is_wrong_with_a_streaming_camera_is_told(tab, serve):
    gate = serve(PEOPLE)
    gate.pictures["door"] = "black"
    gate.drifts["door"] = {"psi": 0.4, "limit": 0.25, "alarm": True, "hint": "lens dirty?"}
    tab.open(f"{gate.address}/#/door")
    words = tab.until_text(f"{DOOR} .drift", "⚠")
    assert words.startswith("⚠ The picture is black. ⚠ Scores have drifted")
    gate.pictures.clear()
    gate.drifts.clear()
    tab.until(f"document.querySelector('{DOOR} .drift').hidden")


def test_a_sink_that_fails_is_told_with_its_error_and_what_waits(tab, serve):
    gate = serve(PEOPLE)
    ordinary = gate_status().sinks[0].model_dump()
    gate.more["sinks"] = [
        ordinary | {"name": "http", "error": "503 <i>", "waiting": 2, "oldest_s": 9},
        ordinary | {"name": "mqtt", "last_error": "session taken over"},
    ]
    tab.open(gate.address)
    shown = tab.until_text("#sinks", "http").splitlines()
    assert list(filter(None, shown)) == [
        *("✗ http 3 delivered; 2 waiting, the oldest for 9 s", "503 <i>"),
        *("● mqtt 3 delivered; none waiting", "Last error: session taken over"),
    ]
    assert tab.text("#verdict") == "⚠ http takes no faces"


def test_a_gate_that_goes_away_is_told_and_found_again(any_tab, serve):
    gate = serve(PEOPLE)
    any_tab.open(gate.address)
    any_tab.until_text(f"{DOOR} .forwarded", "✓ 90")
    gate.busy = "the worker did not answer within 3 s"
    any_tab.until_text("#problem", "did not answer within 3 s")
    gate.busy = None
    any_tab.until("document.querySelector('#problem').hidden")


def test_a_camera_that_stops_shows_its_last_picture_as_old(tab, serve):
    gate = serve()
    with streaming(gate):
        tab.open(gate.address)
        tab.until(f"document.querySelector('{DOOR} canvas')?.height > 20")
    gate.states["door"] = "stalled"
    tab.until(f"document.querySelector('{DOOR} .screen')?.classList.contains('old')")
    tab.until_text(f"{DOOR} .nothing", "No frames come")


def test_without_the_token_there_is_only_the_question_for_it(any_tab, serve):
    gate = serve(PEOPLE, NEEDS_A_TOKEN)
    any_tab.open(gate.address)
    assert any_tab.run("location.pathname") == "/login"
    assert any_tab.run("document.activeElement.id") == "token"
    any_tab.type(TOKEN)
    any_tab.press("Enter")
    any_tab.until_text(f"{DOOR} .forwarded", "✓ 90")
    assert any_tab.run("document.cookie") == ""  # no script reads the session
    assert any_tab.complaints == []
    any_tab.run("document.querySelector('#logout button').click()")
    any_tab.until("location.pathname === '/login' && document.readyState === 'complete'")
    any_tab.open(gate.address)
    assert any_tab.run("location.pathname") == "/login"


def test_a_wrong_token_is_told(any_tab, serve):
    gate = serve(PEOPLE, NEEDS_A_TOKEN)
    any_tab.open(gate.address)
    any_tab.type("wrong-horse-battery")
    any_tab.press("Enter")
    any_tab.until_text("[role=alert]", "not the token")
    # The browser itself reports the status of the form's answer; nothing else.
    assert all("403" in words for words in any_tab.complaints)
    assert gate.ask("/api/state")[0] == 401


def test_fifty_faces_a_second_are_kept_up_with(tab, serve):
    seconds, rate = 4, 50
    gate = serve()
    tab.open(gate.address)
    tab.until(WATCHED)
    over = threading.Event()
    for number in range(seconds * rate // 5):
        faces = [Face(20 + (number * 5 + n) % 80, number, seed=n) for n in range(5)]
        gate.show(observation(faces, number=number))
        over.wait(5 / rate)
    last = f"{20 + (number * 5 + 4) % 80}"
    tab.until_text(f"{DOOR} .forwarded", f"✓ {last}")
    tab.until_text(f"{DOOR} .verdict", f"of {seconds * rate} faces")
    assert tab.run(f"document.querySelectorAll('{DOOR} .forwarded li').length") == 6
    pictures = sum("/frame" in url for url in tab.requested)
    assert pictures > seconds  # the live view went on meanwhile


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_the_page_is_no_wider_than_the_screen_and_everything_on_it_has_a_name(tab, serve, width):
    gate = serve(PEOPLE, ", allow_apply: true")
    gate.errors["yard"] = "x" * 300
    tab.size(width, 800, dark=width == 390)
    tab.open(f"{gate.address}/#/door")
    tab.until_text(f"{DOOR} .forwarded", "✓ 90")
    assert tab.run("document.documentElement.scrollWidth") <= width
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "spinbutton", "link", "image", "textbox", "img"}
    met = [node for node in nodes if node.get("role", {}).get("value") in roles]
    assert {node["role"]["value"] for node in met} >= {"button", "slider", "link", "image"}
    assert [node for node in met if not node.get("name", {}).get("value")] == []


def test_what_has_the_focus_can_be_seen(tab, serve):
    gate = serve(PEOPLE, ", allow_apply: true")
    tab.open(gate.address)
    tab.until_text(f"{DOOR} .verdict", "In effect")
    outlines = {}
    for _ in range(24):
        tab.press("Tab")
        here = "const at = document.activeElement; "
        name, outline = tab.run(
            f"(() => {{ {here} return [at.tagName, getComputedStyle(at).outlineStyle]; }})()"
        )
        outlines[name] = outline
    assert {"A", "BUTTON", "INPUT", "SELECT", "SUMMARY"} <= outlines.keys()
    assert {style for name, style in outlines.items() if name != "BODY"} == {"solid"}


def test_a_face_is_marked_by_keyboard_and_stays_marked(tab, serve):
    gate = serve(PEOPLE, ", history: history.sqlite")
    tab.open(f"{gate.address}/#/door")
    tab.until_text(f"{DOOR} .missed", "✗ 20")
    tab.focus(f"{DOOR} .missed button")
    tab.press("Enter")
    tab.until_text("#face[open] .said", "0 faces marked here")
    tab.focus("#face .wanted")
    tab.press("Space")
    tab.until_text("#face .said", "1 face marked here; edge-gate tune --marks")
    tab.press("Escape")
    tab.press("Enter")
    tab.until("document.querySelector('#face .wanted').getAttribute('aria-pressed') === 'true'")
    assert gate.ask("/api/cameras/door/marks")[2].count(b"true") == 2  # kept, and this one


def test_the_past_is_shown_by_the_hour_with_its_events(tab, serve):
    gate = serve(PEOPLE)
    now_s = time.time()
    with gate.history.file.changed() as database:
        happened = (("stalled", "stalled"), ("lost", "<b>refused</b>"))
        add_events(database, [Event(now_s, "door", why, None, words) for why, words in happened])
    tab.open(f"{gate.address}/#/door/history")
    events = tab.until_text(f"{DOOR} .event-list", "✗ stalled")
    assert "<b>refused</b>" in events
    label = f"document.querySelector('{DOOR} .by-forwarded').getAttribute('aria-label')"
    assert tab.run(label) == "5 faces forwarded in 24 hours"
    tab.run(f"document.querySelector('{DOOR} .as-table').open = true")
    assert "forwarded" in tab.text(f"{DOOR} table")
    tab.run(f"document.querySelector('{DOOR} .event-reason').value = 'lost'")
    tab.run(f"document.querySelector('{DOOR} .event-reason').dispatchEvent(new Event('change'))")
    tab.until(f"document.querySelectorAll('{DOOR} .event-list li').length === 1")
    assert "Since the gate was started" in tab.text(f"{DOOR} .since")
