"""The fields of a JSON Schema as tables in Markdown, for the documentation."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def field_tables(schema: Schema) -> str:
    """
    Return a table of a schema's fields, and one for each object within it.

    Args:
        schema: Of an object; those within it stand in `$defs`.
    """
    objects = [schema, *(each for each in schema.get("$defs", {}).values() if "properties" in each)]
    return "\n\n".join("\n".join(_table(each, schema)) for each in objects)


def _table(each: Schema, schema: Schema) -> Iterator[str]:
    yield f"**{each['title']}**: {each['description']}"
    yield ""
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    for name, field in each["properties"].items():
        optional = "" if name in each.get("required", ()) else ", may be absent"
        meaning = " ".join(field.get("description", "").split())
        yield f"| `{name}` | {_type(field, schema)}{optional} | {meaning} |"


def _type(field: Schema, schema: Schema) -> str:
    match field:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            named = schema["$defs"][name]
            return name if "properties" in named else _type(named, schema)
        case {"anyOf": kinds}:
            return " or ".join(_type(kind, schema) for kind in kinds)
        case {"type": "array", "items": items}:
            return f"list of {_type(items, schema)}"
        case {"type": "object", "additionalProperties": values}:
            return f"{_type(values, schema)} by name"
    return _plain_type(field)


def _plain_type(field: Schema) -> str:
    match field:
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"format": "date-time"}:
            return "time (RFC 3339)"
        case {"type": "array", "maxItems": length}:
            return f"list of {length}"
    return str(field["type"])
