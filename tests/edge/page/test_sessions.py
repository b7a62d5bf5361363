import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.page.sessions import Sessions, is_same, no_cookie

TOKEN = "correct-horse-battery"
NOW_S = 1_800_000_000.0
HOST = "127.0.0.1:8787"


@pytest.fixture
def sessions():
    return Sessions()


def cookie(sessions, host=HOST):
    return sessions.new_cookie(host, TOKEN, NOW_S, secure=False).partition(";")[0]


def is_open(sessions, cookie, now_s=NOW_S, token=TOKEN, host=HOST):
    return sessions.is_open({"host": host, "cookie": cookie}, token, now_s)


def test_a_session_lasts_twelve_hours_and_no_longer(sessions):
    mine = cookie(sessions)
    assert is_open(sessions, mine, now_s=NOW_S + 12 * 3600 - 1)
    assert not is_open(sessions, mine, now_s=NOW_S + 12 * 3600)


def test_a_logout_ends_this_session_and_no_other(sessions):
    mine, another = cookie(sessions), cookie(sessions)
    sessions.end({"host": HOST, "cookie": mine}, TOKEN, NOW_S)
    assert not is_open(sessions, mine)
    assert is_open(sessions, another)


def test_a_logout_outlives_the_next_one(sessions):
    both = [cookie(sessions), cookie(sessions)]
    for each in both:
        sessions.end({"host": HOST, "cookie": each}, TOKEN, NOW_S)
    assert not any(is_open(sessions, each) for each in both)


def test_a_logout_is_forgotten_once_its_session_would_be_over(sessions):
    for now_s in (NOW_S, NOW_S + 12 * 3600):
        mine = sessions.new_cookie(HOST, TOKEN, now_s, secure=False).partition(";")[0]
        sessions.end({"host": HOST, "cookie": mine}, TOKEN, now_s)
    assert len(sessions._ended) == 1


def test_a_browser_forgets_a_session_also_without_tls():
    assert "Secure" not in no_cookie(HOST)


def test_sessions_that_are_over_are_forgotten(sessions):
    for hour in range(50):
        sessions.end({"host": HOST, "cookie": cookie(sessions)}, TOKEN, NOW_S)
        now_s = NOW_S + 13 * 3600 * hour
        late = sessions.new_cookie(HOST, TOKEN, now_s, secure=False).partition(";")[0]
        sessions.end({"host": HOST, "cookie": late}, TOKEN, now_s)
    assert len(sessions._ended) <= 52


def test_nobody_without_a_session_makes_the_gate_remember_one(sessions):
    sessions.end({"host": HOST, "cookie": "edge_gate_8787=1.2.3"}, TOKEN, NOW_S)
    assert not sessions._ended


def test_another_token_and_another_start_end_every_session(sessions):
    mine = cookie(sessions)
    assert not is_open(sessions, mine, token="another-horse-battery")
    assert not is_open(Sessions(), mine)


def test_a_session_cannot_be_made_longer_by_its_holder(sessions):
    name, _, value = cookie(sessions).partition("=")
    end, _, rest = value.partition(".")
    assert not is_open(sessions, f"{name}={int(end) + 1}.{rest}")


def test_two_gates_behind_two_ports_of_one_host_do_not_share_a_session(sessions):
    other, own = cookie(sessions, "127.0.0.1:9999"), cookie(sessions)
    assert not is_open(sessions, other)
    assert is_open(sessions, f"{other}; {own}")


def test_no_script_and_no_other_site_gets_the_cookie_and_over_tls_nobody_on_the_way(sessions):
    for header in (cookie(sessions), no_cookie(HOST)):
        assert "edge_gate_8787=" in header
    plain, secure = (
        sessions.new_cookie(HOST, TOKEN, NOW_S, secure=secure) for secure in (False, True)
    )
    assert plain.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
    assert secure.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure")


def test_a_browser_forgets_the_cookie_when_it_is_told():
    assert no_cookie(HOST).startswith("edge_gate_8787=; Path=/; Max-Age=0; HttpOnly")
    assert no_cookie("gate1").startswith("edge_gate_80=; ")


def test_a_host_that_cannot_be_read_lets_nobody_in(sessions):
    assert not is_open(sessions, cookie(sessions), host="127.0.0.1:port")


@given(st.text(max_size=60))
def test_no_cookie_that_was_not_signed_lets_anybody_in(text):
    assert not is_open(Sessions(), f"edge_gate_8787={text}")
    assert is_same(text, TOKEN) == (text == TOKEN)
