import pytest

from edge.config.page import PageSettings
from edge.errors import ConfigError
from tests.edge.configurations import SMALLEST, loaded

SECRET = "token: {name: page_token}"


def page(keys):
    return loaded(f"{SMALLEST}page: {{{keys}}}\n").config.page


def test_without_a_word_the_page_is_for_this_machine_and_changes_nothing():
    settings = loaded(SMALLEST).config.page
    assert (settings.enabled, settings.address) == (True, ("127.0.0.1", 8787))
    assert not settings.allow_apply


@pytest.mark.parametrize(
    ("listen", "address"),
    [("localhost:80", ("localhost", 80)), ("[::1]:8787", ("::1", 8787)), ("127.9.9.9:0", None)],
)
def test_this_machine_may_be_listened_to_without_a_token(listen, address):
    assert page(f'listen: "{listen}"').address == (address or ("127.9.9.9", 0))


@pytest.mark.parametrize("listen", ["0.0.0.0:8787", "[::]:8787", "192.168.1.5:8787", "gate1:8787"])
def test_all_other_addresses_need_a_token(listen):
    with pytest.raises(ConfigError, match=r"page.*give page.token"):
        page(f'listen: "{listen}"')
    assert page(f'listen: "{listen}", {SECRET}').token is not None
    assert not page(f'listen: "{listen}", enabled: false').enabled


@pytest.mark.parametrize("listen", ["8787", "127.0.0.1", "::1:8787", "host:65536", "a b:1", ":80"])
def test_what_is_no_address_is_refused(listen):
    with pytest.raises(ConfigError, match=r"page\.listen.*HOST:PORT"):
        page(f'listen: "{listen}"')


def test_names_are_written_in_lower_case_so_that_they_are_found():
    with pytest.raises(ConfigError, match=r"page\.hosts"):
        page("hosts: [Gate1.example]")
    assert PageSettings(hosts=("gate1.example",)).hosts == ("gate1.example",)
