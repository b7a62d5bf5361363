"""Models whose fields are described by the docstrings under them, read only for a JSON Schema."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic_core import CoreSchema


class Described(BaseModel):
    """
    Does what pydantic's `use_attribute_docstrings` does, when a schema is asked for.

    pydantic reads the source of each model when it is imported: a tenth of the start of a gate.
    """

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        for name, text in _docstrings(cls).items():
            if name in properties and cls.model_fields[name].description is None:
                properties[name]["description"] = text
        return schema


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring under each field, where the model or one it derives from has it last."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, Described) and kind is not Described:
            anew = inspect.get_annotations(kind)
            found = {name: text for name, text in found.items() if name not in anew}
            found |= _own_docstrings(kind)
    return found


@cache
def _own_docstrings(kind: type) -> dict[str, str]:
    source = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    (body,) = (each.body for each in source.body if isinstance(each, ast.ClassDef))
    found = {}
    for field, below in pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text)
    return found
