"""What all sections of the configuration have in common."""

import os.path
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, ValidationError, ValidationInfo

from edge.described import Described


class Section(Described):
    """
    A frozen part of the configuration that cannot be wrong.

    The docstring under each field is its documentation: it appears in the JSON Schema, in
    `edge-gate explain` and in docs/configuration.md. A default of None means "not given"; None
    itself cannot be written, since `edge.config.reader` refuses keys without a value.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,  # "yes" is no boolean and "3" no number
        allow_inf_nan=False,
    )


def first_mistake(error: ValidationError) -> tuple[str, str]:
    """Return the place of pydantic's first objection, empty for the whole, and its words."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")


def absolute_path(value: object, info: ValidationInfo) -> object:
    """
    Resolve a path against the folder in the validation context; without one, leave it as it is.

    Raises:
        ValueError: The path is empty, holds a NUL character, or begins with ~.
    """
    if not isinstance(value, str):
        return value
    if not value or "\0" in value:
        raise ValueError("a path must not be empty or hold a NUL character")
    # Else a folder of that name is made, and faces are put there.
    if value.split("/", maxsplit=1)[0] == "~":
        raise ValueError("~ stands for no folder here, a service has another: write the whole path")
    if info.context is None:
        return Path(value)
    # Not Path.resolve(): it follows links, and raises on a loop of them.
    return Path(os.path.abspath(info.context["folder"] / value))  # noqa: PTH100


AnyPath = Annotated[Path, BeforeValidator(absolute_path)]
"""An absolute path; written relative to the folder of the configuration file."""
