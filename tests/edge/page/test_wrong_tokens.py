import pytest

from edge.page.wrong_tokens import MOST_PEERS, MOST_WRONG, WITHIN_S, WrongTokens


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def wrong(clock):
    return WrongTokens(clock)


def test_ten_wrong_tokens_a_minute_are_heard_and_then_none_until_it_is_over(wrong, clock):
    for _ in range(MOST_WRONG):
        assert wrong.wait_s("10.0.0.1") == 0
        wrong.note("10.0.0.1")
    clock.now_s += 20
    assert wrong.wait_s("10.0.0.1") == WITHIN_S - 20
    assert wrong.wait_s("10.0.0.2") == 0
    clock.now_s += 40
    assert wrong.wait_s("10.0.0.1") == 0
    wrong.note("10.0.0.1")
    assert wrong.wait_s("10.0.0.1") == 0
    for _ in range(MOST_WRONG - 1):
        wrong.note("10.0.0.1")
    assert wrong.wait_s("10.0.0.1") == WITHIN_S


def test_the_addresses_of_one_network_are_one_guesser(wrong):
    for number in range(MOST_WRONG):
        wrong.note(f"2001:db8::{number:x}")
    assert wrong.wait_s("2001:db8::ffff") > 0


def test_a_thousand_wrong_tokens_are_one_line_and_the_next_minute_tells_how_many(
    wrong, clock, caplog
):
    for number in range(1000):
        wrong.note(f"10.0.{number // 250}.{number % 250}")
    assert caplog.messages == ["a wrong token was given by 10.0.0.0"]
    clock.now_s += WITHIN_S
    wrong.note("10.0.0.7")
    assert caplog.messages[1:] == [
        "a wrong token was given by 10.0.0.7; 1000 wrong tokens since the last such line"
    ]


def test_guessers_from_everywhere_take_no_memory(wrong):
    for number in range(2 * MOST_PEERS):
        wrong.note(f"10.{number // 62500}.{number // 250 % 250}.{number % 250}")
    assert len(wrong._counts) == MOST_PEERS


def test_of_too_many_guessers_the_one_whose_minute_began_first_is_forgotten(wrong, clock):
    for address in ("10.0.0.1", "10.0.0.2"):
        wrong.note(address)
    clock.now_s += WITHIN_S
    for _ in range(MOST_WRONG):
        wrong.note("10.0.0.1")
    for number in range(MOST_PEERS - 1):
        wrong.note(f"10.1.{number // 250}.{number % 250}")
    assert wrong.wait_s("10.0.0.1") == WITHIN_S
