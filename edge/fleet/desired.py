"""
An order to one gate to set a threshold: signed, and good for one gate, once, for a while. Pure.

    base64 of the Ed25519 signature of all that follows the first line end (RFC 8032, RFC 4648)
    {"schema_version": 1, "gate": "gate/north/entrance", "serial": …, …}

Nothing of it is parsed before its signature was found right.
"""

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from edge.config.section import first_mistake

LARGEST = 2048
"""Bytes of a whole order; one with the longest names takes 900."""
SIGNATURE = 64
"""Bytes of an Ed25519 signature."""
LONGEST_VALID = timedelta(hours=25)
"""An order that claims to be good for longer was not made by `edge-gate fleet set`."""


class Desired(BaseModel):
    """What one gate is to do."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    schema_version: Literal[1] = 1
    gate: Annotated[str, Field(min_length=1, max_length=300)]
    """Whose order it is: the gate's topic, TOPIC/DEVICE."""
    serial: Annotated[int, Field(ge=1, lt=2**53)]
    """Higher than that of every earlier order to this gate."""
    expires: AwareDatetime
    """The order is void from then on."""
    phase: Literal["observe", "apply"]
    """observe: say what it would change, and change nothing."""
    threshold: Annotated[float, Field(ge=0, le=100)]
    """Quality score from which faces are to pass."""
    camera: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The only camera that it is for; null means all."""


def order_bytes(desired: Desired, sign: Callable[[bytes], bytes]) -> bytes:
    """Return an order as it is published."""
    body = desired.model_dump_json().encode()
    return base64.b64encode(sign(body)) + b"\n" + body


def trusted_order(payload: bytes, is_signed: Callable[[bytes, bytes], bool]) -> Desired:
    """
    Return an order that the owner of the key gave.

    Args:
        payload: Of a message that anybody may have sent.
        is_signed: Tells whether the second bytes are the owner's signature of the first.

    Raises:
        ValueError: It is none; the words quote nothing of it.
    """
    if len(payload) > LARGEST:
        raise ValueError(f"an order has at most {LARGEST} bytes, this has {len(payload)}")
    head, found, body = payload.partition(b"\n")
    try:
        signature = base64.b64decode(head, validate=True)
    except binascii.Error:
        signature = b""
    if not found or len(signature) != SIGNATURE:
        raise ValueError("no order: it does not begin with a signature")
    if not is_signed(body, signature):
        raise ValueError(
            "not signed by the owner of the key that this gate obeys (desired.key): is --key its "
            "private half?"
        )
    try:
        return Desired.model_validate_json(body)
    except ValidationError as error:
        place = first_mistake(error)[0] or "it is no JSON"
        raise ValueError(f"a signed order that is not understood here: {place}") from error


def objection(desired: Desired, gate: str, newest: int, now: datetime) -> str | None:
    """
    Return why an order does not count; None when it does.

    Args:
        desired: A signed order.
        gate: Our own name.
        newest: The highest serial that was obeyed or objected to.
        now: With its time zone.
    """
    if desired.gate != gate:
        return f"the order is for another gate than {gate}"
    if desired.serial <= newest:
        return f"the order is old or was sent again: its serial is not above {newest}"
    if desired.expires <= now:
        return f"the order expired at {desired.expires:%Y-%m-%d %H:%M:%S %Z}; is our clock right?"
    if desired.expires - now > LONGEST_VALID:
        return f"the order is good for more than {LONGEST_VALID}; is our clock right?"
    return None
