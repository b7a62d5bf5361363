"""The page's server over real connections."""

import json
import socket
import struct
from contextlib import ExitStack, suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.delivery.record import record_of
from edge.page.exchange import MOST_BODY
from edge.page.places import MOST_CONNECTIONS
from edge.samples import Delivery
from edge.tuning.marked import marks_in
from tests.edge.looked_at import (
    CONFIGURATION,
    TOKEN,
    Face,
    looked_at,
    observation,
)

ALLOWS = ", allow_apply: true"


@pytest.fixture
def applying(tmp_path):
    with looked_at(tmp_path, ALLOWS) as served:
        yield served


def apply(gate, threshold=60, words="door is retuned", **headers):
    body = json.dumps({"threshold": threshold, "words": words})
    named = {"Content_Type": "application/json", **headers}
    return gate.ask("/api/cameras/door/threshold", "POST", body, **named)


@pytest.mark.parametrize("path", ["/", "/page.js", "/api/state", "/login", "/nothing"])
def test_every_answer_forbids_scripts_frames_and_pictures_of_others_and_is_not_stored(
    guarded, path
):
    _, headers, _ = guarded.ask(path)
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


FACES = [
    "/api/events",
    "/api/cameras/door/history",
    "/api/cameras/door/marks",
    "/api/state",
    "/metrics",
    "/status",
    "/api/cameras/door/frame",
    "/api/cameras/door/faces",
]


OF_A_FACE = ["/api/cameras/door/face?number=1", "/api/cameras/door/record?person=1"]


@pytest.mark.parametrize("path", [*FACES, *OF_A_FACE, "/nothing"])
def test_nothing_is_told_without_the_token_and_everything_with_it(guarded, path):
    assert guarded.ask(path)[0] == 401
    assert guarded.ask(path, Authorization="Bearer wrong-horse-battery")[0] == 401
    assert guarded.ask(path, Authorization=f"Bearer {TOKEN}")[0] != 401


def test_names_of_others_are_refused_even_with_the_token(guarded):
    bearer = f"Bearer {TOKEN}"
    status, _, body = guarded.ask("/api/state", Host="evil.example", Authorization=bearer)
    assert (status, b"page.hosts" in body) == (421, True)


def test_a_page_of_another_site_cannot_change_the_threshold(applying):
    before = applying.path.read_text()
    assert apply(applying, Origin="http://evil.example")[0] == 403
    assert apply(applying, Origin=f"http://localhost:{applying.page.port}")[0] == 403
    assert apply(applying, Sec_Fetch_Site="same-site")[0] == 403
    assert apply(applying, Content_Type="text/plain")[0] == 415  # what a form can send
    assert applying.path.read_text() == before
    assert apply(applying, Origin=applying.address)[0] == 202
    assert applying.path.read_text() != before


def test_a_threshold_is_not_applied_when_something_else_would_change_with_it(applying):
    applying.path.write_text(applying.path.read_text().replace("camera/yard", "camera/garden"))
    changed = applying.path.read_text()
    status, _, body = apply(applying)
    assert (status, b"yard is opened anew, door is retuned" in body) == (409, True)
    assert applying.path.read_text() == changed
    assert apply(applying, words="yard is opened anew, door is retuned")[0] == 202


def test_a_file_that_is_wrong_as_it_is_stays_untouched_and_is_explained(applying):
    applying.path.write_text(applying.path.read_text() + "thresholt: 3\n")
    changed = applying.path.read_text()
    status, _, body = apply(applying)
    assert (status, b"thresholt: unknown key" in body) == (409, True)
    assert applying.path.read_text() == changed


@pytest.mark.parametrize("threshold", [-1, 101, "nan", "inf", None, "low", [50], True])
def test_a_threshold_outside_of_its_range_is_refused(applying, threshold):
    assert apply(applying, threshold)[0] == 400
    assert applying.page.reloaded.number == 0


def test_the_page_writes_nothing_unless_it_is_allowed_to(gate):
    assert apply(gate)[0] == 403
    assert gate.ask("/api/cameras/door/change?threshold=60")[0] == 403
    assert gate.path.read_text() == CONFIGURATION % ""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/cameras/attic/frame", 404),
        ("/api/cameras/../../etc/passwd", 404),
        ("/static/../server.py", 404),
        ("/api/cameras/door/face?number=99999999", 410),
        ("/api/cameras/door/face?number=x", 400),
        ("/api/cameras/door/face?person=99999999", 410),
        ("/api/cameras/door/record?number=99999999", 410),
        ("/api/cameras/door/frame?after=-1", 400),
        ("/api/cameras/door/preview?threshold=1e9", 400),
        ("/api/cameras/yard/preview?threshold=50", 409),
        ("/api/cameras/door/threshold", 405),
        ("/api/cameras/door/mark", 405),
        ("/api/cameras/door/apply-area", 405),
        ("/api/cameras/attic/area", 404),
        ("/api/cameras/door/area-preview?asked=[[", 400),
        ("/api/cameras/door/area-preview?asked=%s" % ("[" * 5000), 400),
        ('/api/cameras/door/area-preview?asked={"masks":["0,0"]}', 400),
        ('/api/cameras/door/area-preview?asked={"%5Cud800":1}', 400),
        ("/api/cameras/door/area-change", 403),
        ("/api/cameras/attic/history", 404),
        ("/api/cameras/attic/marks", 404),
        ("/api/events?before=x", 400),
    ],
)
def test_a_wrong_question_gets_a_clear_answer(gate, path, status):
    assert gate.ask(path)[0] == status


def raw(gate, data):
    """Send bytes as they are; return the first line of the answer."""
    with socket.create_connection(("127.0.0.1", gate.page.port), timeout=30) as connection:
        connection.sendall(data)
        return connection.makefile("rb").readline()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"POST /login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", b"411"),
        (
            b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1),
            b"413",
        ),
        (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"421"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://[\r\n\r\n", b"400"),
        (b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"GET /" + b"[" * 99 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (
            b"POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
            b"413",
        ),
    ],
)
def test_what_is_no_proper_request_is_refused_without_a_traceback(gate, caplog, data, status):
    assert raw(gate, data).split()[1] == status
    assert not caplog.records


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.tuples(st.sampled_from(["GET", "POST", "HEAD"]), st.text(max_size=20)),
    st.dictionaries(
        st.sampled_from(["Origin", "Cookie", "Authorization", "Sec-Fetch-Site", "X-Frame"]),
        st.text(max_size=20),
    ),
    st.binary(max_size=20),
)
def test_no_request_of_a_peer_is_a_defect(guarded, caplog, asked, headers, body):
    method, path = asked
    fields = {"Host": "localhost", "Content-Length": len(body), "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    request = f"{method} /{path} HTTP/1.1\r\n{head}\r\n".encode() + body
    with suppress(ConnectionResetError, IndexError):  # no answer is one, too
        assert raw(guarded, request).split()[1] != b"500"
    assert not [each for each in caplog.records if each.exc_info]


def test_a_refusal_of_what_is_no_request_carries_the_headers_of_every_answer(gate):
    _, headers, body = gate.ask("/", "DELETE")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert body == b"Unsupported method ('DELETE')\n"
    assert gate.ask("/", "HEAD")[2] == b""


@pytest.mark.parametrize("body", ["[" * 4000, '{"a":' * 800, "9" * 4096, '"\\ud800"'])
def test_json_that_is_deep_or_no_object_is_refused_without_a_traceback(applying, caplog, body):
    json_type = {"Content_Type": "application/json"}
    assert applying.ask("/api/cameras/door/threshold", "POST", body, **json_type)[0] == 400
    assert not caplog.records


def test_a_body_that_breaks_off_is_no_request(gate):
    with socket.create_connection(("127.0.0.1", gate.page.port), timeout=30) as connection:
        connection.sendall(
            b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nto"
        )
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").readline().split()[1] == b"400"


def login(gate, token):
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    status, headers, _ = gate.ask("/login", "POST", f"token={token}", **form)
    return status, headers.get("Set-Cookie", "").partition(";")[0]


def test_a_logout_ends_the_session_for_whoever_copied_the_cookie(guarded):
    _, cookie = login(guarded, TOKEN)
    _, another = login(guarded, TOKEN)
    assert guarded.ask("/api/state", Cookie=cookie)[0] == 200
    assert guarded.ask("/logout", "POST", Cookie=cookie)[0] == 303
    assert guarded.ask("/api/state", Cookie=cookie)[0] == 401
    assert guarded.ask("/api/state", Cookie=another)[0] == 200


def test_wrong_tokens_are_heard_ten_times_a_minute_and_open_sessions_go_on(guarded, caplog):
    _, cookie = login(guarded, TOKEN)
    answers = [login(guarded, "wrong")[0] for _ in range(5)]
    answers += [guarded.ask("/status", Authorization="Bearer wrong")[0] for _ in range(5)]
    assert answers == [403] * 5 + [401] * 5
    assert login(guarded, "wrong")[0] == 429
    assert login(guarded, TOKEN)[0] == 429
    assert guarded.ask("/status", Authorization=f"Bearer {TOKEN}")[0] == 429
    assert guarded.ask("/api/state", Cookie=cookie)[0] == 200
    assert caplog.messages == ["a wrong token was given by 127.0.0.1"]


def test_a_browser_that_takes_nothing_does_not_hold_up_the_gate(gate):
    gate.ask("/api/cameras/door/frame")
    gate.show(observation((Face(80),)))
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        stuck.connect(("127.0.0.1", gate.page.port))
        ask = b"GET /api/cameras/door/frame HTTP/1.1\r\nHost: localhost\r\n\r\n"
        stuck.sendall(ask * 200)  # more than all buffers on the way hold, and reads none of it
        for number in range(20):
            gate.show(observation((Face(20 + number, track=2),), number=number))
        best = json.loads(gate.ask("/api/cameras/door/faces")[2])["missed"][0]
    assert best["score"] == 39


@pytest.mark.parametrize(
    "drip",
    [
        b"",
        b"GET /l",
        b"GET /icon.svg HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n\r\na",
    ],
)
def test_clients_that_send_next_to_nothing_lock_nobody_out(gate, drip):
    with ExitStack() as held:
        for _ in range(2 * MOST_CONNECTIONS):
            slow = socket.create_connection(("127.0.0.1", gate.page.port), timeout=30)
            held.enter_context(slow).sendall(drip)
        for _ in range(3):
            assert gate.ask("/icon.svg")[0] == 200


def test_a_client_that_breaks_off_leaves_the_others_alone(gate):
    with socket.create_connection(("127.0.0.1", gate.page.port)) as rude:
        rude.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nto")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset
    assert gate.ask("/api/state")[0] == 200


def test_the_record_of_a_face_is_the_one_that_leaves_the_device(gate):
    gate.show(observation((Face(80, track=4),)))
    latest = json.loads(gate.ask("/api/cameras/door/faces")[2])
    query = latest["forwarded"][0]["query"]
    status, _, body = gate.ask(f"/api/cameras/door/record?{query}")
    record = record_of(Delivery(json.loads(body)["key"], body, b"", "image/png", 0.9))
    assert (status, record.camera, record.score, record.reason) == (200, "door", 80, "forwarded")
    assert record.embedding is None


KEEPS = ", history: history.sqlite"


@pytest.fixture
def keeping(tmp_path):
    with looked_at(tmp_path, KEEPS) as served:
        served.show(observation((Face(40, track=2), Face(None, track=3))))
        yield served


def person(gate, score=40):
    missed = json.loads(gate.ask("/api/cameras/door/faces")[2])["missed"]
    return next(face["person"] for face in missed if face["score"] == score)


def mark(gate, document, **headers):
    named = {"Content_Type": "application/json", **headers}
    return gate.ask("/api/cameras/door/mark", "POST", json.dumps(document), **named)


def marks(gate):
    return json.loads(gate.ask("/api/cameras/door/marks")[2])


def test_a_mark_is_kept_changed_and_taken_back(keeping, tmp_path):
    who = person(keeping)
    assert mark(keeping, {"person": who, "wanted": True})[0] == 200
    assert marks(keeping)["people"] == {str(who): True}
    [kept] = marks_in(tmp_path / "history.sqlite")("door", "a")
    assert (kept.score, kept.wanted, kept.track) == (40, True, "-2")
    mark(keeping, {"person": who, "wanted": False})
    assert (marks(keeping)["wanted"], marks(keeping)["unwanted"]) == (0, 1)
    mark(keeping, {"person": who, "wanted": None})
    assert marks(keeping)["people"] == {}


def test_a_page_of_another_site_cannot_mark(keeping):
    asked = {"person": person(keeping), "wanted": True}
    assert mark(keeping, asked, Origin="http://evil.example")[0] == 403
    assert mark(keeping, asked, Sec_Fetch_Site="same-site")[0] == 403
    assert mark(keeping, asked, Content_Type="text/plain")[0] == 415
    assert marks(keeping)["people"] == {}


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ({"person": 1, "wanted": "yes"}, 400),
        ({"person": "x", "wanted": True}, 400),
        ({"wanted": True}, 400),
        ({"person": 99999999, "wanted": True}, 410),
        ({"person": "the unscored", "wanted": True}, 409),
    ],
)
def test_a_wrong_mark_gets_a_clear_answer(keeping, document, status):
    if document.get("person") == "the unscored":
        document["person"] = person(keeping, score=None)
    assert mark(keeping, document)[0] == status
    assert marks(keeping)["people"] == {}


def test_without_a_file_nothing_is_marked_and_the_way_is_told(gate):
    gate.show(observation((Face(40),)))
    status, _, body = mark(gate, {"person": person(gate), "wanted": True})
    assert (status, b"page.history" in body) == (409, True)
    assert marks(gate)["is_kept"] is False


MASK = "0,0 0.5,0 0.5,1 0,1"
HOURS = {"days": ["mon"], "start": "08:00", "end": "18:00"}


def apply_area(gate, words="door is retuned", **headers):
    body = json.dumps({"masks": [MASK], "schedule": [HOURS], "words": words})
    named = {"Content_Type": "application/json", **headers}
    return gate.ask("/api/cameras/door/apply-area", "POST", body, **named)


def test_a_page_of_another_site_cannot_change_the_masks(applying):
    before = applying.path.read_text()
    assert apply_area(applying, Origin="http://evil.example")[0] == 403
    assert apply_area(applying, Sec_Fetch_Site="cross-site")[0] == 403
    assert apply_area(applying, Content_Type="text/plain")[0] == 415
    assert apply_area(applying, words="nothing")[0] == 409
    assert applying.path.read_text() == before
    assert apply_area(applying, Origin=applying.address)[0] == 202
    [door, _] = applying.config.sources
    assert (door.masks, door.schedule[0].start) == ((MASK,), "08:00")
    assert "# the shop's two cameras" in applying.path.read_text()


def test_masks_are_not_written_unless_it_is_allowed(gate):
    assert apply_area(gate)[0] == 403
    assert gate.path.read_text() == CONFIGURATION % ""


def test_what_is_in_effect_is_told(applying):
    apply_area(applying)
    told = json.loads(applying.ask("/api/cameras/door/area")[2])
    assert told == {"masks": [MASK], "schedule": [HOURS]}


def test_a_preview_says_first_who_gets_no_face(serve):
    gate = serve()
    for score, track in ((80, 1), (70, 2), (60, 3), (48, 4), (30, 5)):
        looked = observation((Face(score, track),), number=track)
        outcome = replace(looked.outcome, confirmed=frozenset({1, 2, 3, 4}))
        gate.show(replace(looked, outcome=outcome))
    *_, found = gate.ask("/api/cameras/door/preview?threshold=58")
    assert json.loads(found)["lost_words"] == (
        "At 58, 1 of 4 people gets no face: the best of that person is 48. "
        "With tracks.at_least_one_above 15 everybody has one."
    )
