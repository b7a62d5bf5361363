import pytest

from edge.page.access import bearer, is_foreign, is_own_host

NAMES = frozenset({"gate1", "gate1.example"})
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


def test_an_origin_that_cannot_be_read_is_no_answer():
    with pytest.raises(ValueError, match="IPv6"):
        is_foreign("GET", {"host": HOST, "origin": "http://["})


def test_programs_send_the_token_itself():
    assert bearer({"authorization": "bearer  correct-horse "}) == "correct-horse"
    assert bearer({"authorization": "Basic correct-horse"}) is None
    assert bearer({}) is None
