"""Durations and amounts of bytes as an operator writes them: `7d`, `90s`, `200MB`."""

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from edge.units import BYTES, SECONDS, amount_of_bytes, seconds

Duration = Annotated[
    float,
    BeforeValidator(seconds),
    Field(gt=0, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "description": "seconds"},
                {"type": "string", "pattern": rf"^\d+(\.\d+)? ?({'|'.join(SECONDS)})$"},
            ],
            "examples": ["90s", "7d"],
        }
    ),
]
"""Seconds, more than 0; written `90s` or `7d`."""

ByteCount = Annotated[
    int,
    BeforeValidator(amount_of_bytes),
    Field(gt=0),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0, "description": "bytes"},
                {"type": "string", "pattern": rf"^\d+(\.\d+)? ?({'|'.join(BYTES)})$"},
            ],
            "examples": ["200MB"],
        }
    ),
]
"""Bytes, more than 0; written `200MB`."""
