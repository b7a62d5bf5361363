"""Orders: what is understood, and what does not count."""

import base64
import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.fleet.desired import LARGEST, Desired, objection, order_bytes, trusted_order

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
SIGNATURE = b"s" * 64


def desired(**keys: object) -> Desired:
    ordinary = {"gate": "gate/north/door", "serial": 7, "phase": "apply", "threshold": 40.0}
    return Desired.model_validate(ordinary | {"expires": NOW + timedelta(hours=1)} | keys)


def anything(_body: bytes, _signature: bytes) -> bool:
    return True


def sealed(body: bytes) -> bytes:
    return base64.b64encode(SIGNATURE) + b"\n" + body


def changed(**keys: object) -> bytes:
    return sealed(json.dumps(json.loads(desired().model_dump_json()) | keys).encode())


def test_an_order_arrives_as_it_was_given():
    order = desired(camera="door")
    assert trusted_order(order_bytes(order, lambda _: SIGNATURE), anything) == order


def test_the_signature_is_that_of_the_bytes_that_are_parsed():
    asked: list[tuple[bytes, bytes]] = []

    def is_signed(body: bytes, signature: bytes) -> bool:
        asked.append((body, signature))
        return True

    trusted_order(order_bytes(desired(), lambda _: SIGNATURE), is_signed)
    assert asked == [(desired().model_dump_json().encode(), SIGNATURE)]


def test_nothing_is_parsed_before_its_signature_was_found_right():
    with pytest.raises(ValueError, match="not signed by the owner"):
        trusted_order(sealed(b"no JSON at all"), lambda *_: False)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\n{}",
        b"c2hvcnQ=\n{}",
        sealed(b""),
        sealed(b"[]"),
        sealed(b"[" * 1000),
        sealed(b"\xff"),
        sealed(b"{}" + b" " * LARGEST),
        changed(threshold="40"),
        changed(threshold=101),
        changed(threshold=-1),
        sealed(desired().model_dump_json().replace("40.0", "NaN").encode()),
        changed(serial=0),
        changed(serial=2**53),
        changed(serial=True),
        changed(expires="2026-05-04T12:00:00"),
        changed(phase="now"),
        changed(schema_version=2),
        changed(more=1),
        changed(gate=""),
        changed(gate="g" * 301),
        changed(camera=""),
    ],
)
def test_what_is_no_order_is_refused_in_words_that_quote_nothing_of_it(payload):
    with pytest.raises(ValueError, match="order") as refused:
        trusted_order(payload, anything)
    assert len(str(refused.value)) < 200


@given(st.binary(max_size=LARGEST + 50), st.booleans(), st.booleans())
def test_no_bytes_are_a_defect(content, is_sealed, is_signed):
    with suppress(ValueError):
        found = trusted_order(sealed(content) if is_sealed else content, lambda *_: is_signed)
        assert is_signed
        assert 0 <= found.threshold <= 100


@given(
    st.dictionaries(
        st.sampled_from(list(Desired.model_fields)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    )
)
def test_no_values_of_an_order_are_a_defect(values):
    with suppress(ValueError):
        found = trusted_order(changed(**values), anything)
        assert found.serial >= 1


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (desired(), None),
        (desired(gate="gate/south/door"), "for another gate"),
        (desired(serial=6), "old or was sent again"),
        (desired(serial=5), "old or was sent again"),
        (desired(expires=NOW), "expired"),
        (desired(expires=NOW + timedelta(days=30)), "good for more than"),
    ],
)
def test_an_order_counts_for_one_gate_once_and_for_a_while(order, words):
    found = objection(order, "gate/north/door", 6, NOW)
    assert (found is None) if words is None else (found is not None and words in found)
