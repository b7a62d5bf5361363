import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.page.access import has_token, is_foreign, is_own_host, is_same, no_cookie, session_cookie

NAMES = frozenset({"gate1", "gate1.example"})
TOKEN = "correct-horse-battery"
NOW_S = 1_800_000_000.0
HOST = "127.0.0.1:8787"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8787",
        "localhost:9000",
        "[::1]:8787",
        "192.168.1.20:8787",
        "gate1:8787",
        "GATE1.example",
        "gate1.example.",
    ],
)
def test_addresses_and_listed_names_are_ours(host):
    assert is_own_host(host, NAMES)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "gate1.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "evil.example@gate1:8787",
        "@127.0.0.1:8787",
        "gate1/..",
        "[::1",
        "gate1:port",
        "1.2.3",
    ],
)
def test_every_other_name_could_have_been_rebound(host):
    assert not is_own_host(host, NAMES)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("POST", {}),
        ("POST", {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}),
        ("POST", {"origin": f"https://{HOST}"}),  # behind a proxy that encrypts
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    ],
)
def test_our_own_pages_and_programs_and_links_may_ask(method, headers):
    assert not is_foreign(method, {"host": HOST, **headers})


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"origin": "http://evil.example"}),
        ("POST", {"origin": "null"}),
        ("POST", {"origin": "http://127.0.0.1:3000"}),  # another program of this machine
        ("GET", {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}),
        ("GET", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}),
        ("POST", {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}),
    ],
)
def test_pages_of_others_may_not(method, headers):
    assert is_foreign(method, {"host": HOST, **headers})


def cookie_of(header):
    return header.partition(";")[0]


def let_in(now_s=NOW_S, token=TOKEN, **headers):
    return has_token({"host": HOST, **headers}, token, now_s)


def test_a_session_lasts_twelve_hours_and_no_longer():
    cookie = cookie_of(session_cookie(HOST, TOKEN, NOW_S))
    assert let_in(cookie=cookie, now_s=NOW_S + 12 * 3600 - 1)
    assert not let_in(cookie=cookie, now_s=NOW_S + 12 * 3600)


def test_another_token_ends_every_session():
    cookie = cookie_of(session_cookie(HOST, TOKEN, NOW_S))
    assert not let_in(cookie=cookie, token="another-horse-battery")


def test_a_session_cannot_be_made_longer_by_its_holder():
    name, _, value = cookie_of(session_cookie(HOST, TOKEN, NOW_S)).partition("=")
    end, _, signature = value.partition(".")
    assert not let_in(cookie=f"{name}={int(end) + 1}.{signature}")


def test_two_gates_behind_two_ports_of_one_host_do_not_share_a_session():
    other = cookie_of(session_cookie("127.0.0.1:9999", TOKEN, NOW_S))
    own = cookie_of(session_cookie(HOST, TOKEN, NOW_S))
    assert not let_in(cookie=other)
    assert let_in(cookie=f"{other}; {own}")


def test_no_script_and_no_other_site_gets_the_cookie():
    for header in (session_cookie(HOST, TOKEN, NOW_S), no_cookie(HOST)):
        assert "HttpOnly; SameSite=Strict" in header


def test_a_browser_forgets_the_cookie_with_its_session_and_when_it_is_told():
    assert session_cookie(HOST, TOKEN, NOW_S).count("; Path=/; Max-Age=43200; ") == 1
    assert no_cookie(HOST).startswith("edge_gate_8787=; Path=/; Max-Age=0; ")
    assert no_cookie("gate1").startswith("edge_gate_80=; ")


def test_a_host_that_cannot_be_read_lets_nobody_in():
    cookie = cookie_of(session_cookie(HOST, TOKEN, NOW_S))
    assert not let_in(cookie=cookie, host="127.0.0.1:port")


def test_programs_send_the_token_itself():
    assert let_in(authorization=f"Bearer {TOKEN}")
    assert not let_in(authorization="Bearer wrong-horse-battery")
    assert not let_in(authorization=f"Basic {TOKEN}")


@given(st.text(max_size=60))
def test_no_cookie_that_was_not_signed_lets_anybody_in(text):
    assert not let_in(cookie=f"edge_gate_8787={text}")
    assert is_same(text, TOKEN) == (text == TOKEN)
