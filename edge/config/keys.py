"""The keys of a configuration: meaning, allowed values, default; read from `edge.config.model`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from edge.config.model import Config
from edge.config.reader import KeyPath
from edge.config.uri import without_path

Schema: TypeAlias = dict[str, Any]
_ESCAPED_PIPE = r"\|"
Default: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Key:
    """One key an operator can write."""

    name: str
    """As in "gate.threshold", "sources[].uri" (any source) or "delivery.sinks[http].url"."""
    meaning: str
    """One paragraph."""
    allowed: str
    """The values it takes, in words."""
    default: Default
    """None when there is none, or when a section has defaults of its own."""
    required: bool
    """Must be written where its section is."""
    children: tuple[str, ...]
    """The keys inside a section; () for a value or a list."""


class _WrittenSchema(GenerateJsonSchema):
    """Leaves out null, which stands for "not given" and cannot be written."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> Schema:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        written = super().default_schema(schema)
        if written.get("default", 0) is None:
            del written["default"]
        return written


def config_schema() -> Schema:
    """Return the JSON Schema (2020-12) of a configuration file."""
    schema = Config.model_json_schema(schema_generator=_WrittenSchema)
    for section in schema["$defs"].values():
        kind = section["properties"].get("type", {})
        if "const" in kind:  # it tells the sections of a list apart, so it must be written
            del kind["default"]
            kind.setdefault("description", "What this section is.")
            section["required"] = ["type", *section.get("required", ())]
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


@cache
def config_keys() -> dict[str, Key]:
    """Return every key by name, in the order of the documentation; "" is the whole file."""
    schema = config_schema()
    return {key.name: key for key in _walk("", schema, schema["$defs"], required=True)}


def generic_name(path: KeyPath) -> str:
    """Return the name in `config_keys` of a path in a document, union tags included."""
    name = ""
    for part in path:
        tagged = f"{name[:-2]}[{part}]"
        if isinstance(part, int):
            name += "[]"
        elif name.endswith("[]") and tagged in config_keys():
            name = tagged
        else:
            name = f"{name}.{part}".lstrip(".")
    return name


def _walk(name: str, schema: Schema, definitions: Schema, *, required: bool) -> Iterator[Key]:
    schema = definitions.get(_referred(schema), {}) | schema
    children = schema.get("properties", {})
    default = schema.get("default")
    yield Key(
        name=name,
        meaning=" ".join(schema.get("description", "").split()),
        allowed=_allowed(schema),
        default=None if isinstance(default, (dict, list)) else default,
        required=required,
        children=tuple(children),
    )
    if "items" in schema:
        yield from _walk(f"{name}[]", schema["items"], definitions, required=False)
    for tag, reference in schema.get("discriminator", {}).get("mapping", {}).items():
        yield from _walk(f"{name[:-2]}[{tag}]", {"$ref": reference}, definitions, required=False)
    for child, child_schema in children.items():
        child_name = f"{name}.{child}".lstrip(".")
        is_required = child in schema.get("required", ())
        yield from _walk(child_name, child_schema, definitions, required=is_required)


def _referred(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _allowed(schema: Schema) -> str:
    match schema:
        case {"$comment": words} | {"const": words}:
            return str(words)
        case {"enum": values}:
            return ", ".join(map(str, values))
        case {"discriminator": {"propertyName": key, "mapping": tags}}:
            return f"a section whose {key} is {', '.join(tags)}"
        case {"anyOf": [{"description": unit}, *_], "examples": examples}:
            return f"{unit}, or with a unit as in {', '.join(examples)}"
        case {"properties": properties}:
            return f"a section of the keys {', '.join(properties)}"
    return _allowed_values(schema)


def _allowed_values(schema: Schema) -> str:
    match schema:
        case {"type": "integer" | "number" as kind}:
            return f"a {'whole ' if kind == 'integer' else ''}number{_range(schema)}"
        case {"type": "array"}:
            return "a list"
        case {"type": "boolean"}:
            return "true or false"
        case {"format": "path"}:
            return "a path"
        case {"pattern": pattern}:
            return f"text of the form `{pattern}`"
    return "text"


def _range(schema: Schema) -> str:
    match schema:
        case {"minimum": low, "maximum": high}:
            return f" from {low} to {high}"
        case {"exclusiveMinimum": low}:
            return f" above {low}"
        case {"minimum": low}:
            return f" from {low}"
    return ""


def shown_value(value: object) -> str:
    """Return a value as it is written in a configuration."""
    match value:
        case None:
            return "not set"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.12g}"
        case str() if "://" in value:
            return without_path(value)
    return str(value)


def markdown_tables() -> str:
    """Return the tables of docs/configuration.md: a row a key, like sections once."""
    titles: dict[str, list[Key]] = {}
    for key in config_keys().values():
        if key.children:
            titles.setdefault(_rows(key), []).append(key)
    return "\n\n".join(f"{_title(sections)}\n\n{rows}" for rows, sections in titles.items())


def _title(sections: list[Key]) -> str:
    names = ", ".join(f"`{section.name}`" for section in sections if section.name)
    title = f"**{names or 'The file'}**"
    meanings = {section.meaning for section in sections}
    # Sections with the same keys may have different meanings; those stand in their parents' rows.
    return f"{title}: {meanings.pop()}" if len(meanings) == 1 else title


def _rows(section: Key) -> str:
    names = (f"{section.name}.{child}".lstrip(".") for child in section.children)
    head = ["| key | meaning | allowed | default |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(config_keys()[name]) for name in names)])


def _row(key: Key) -> str:
    default = "required" if key.required else "" if key.children else shown_value(key.default)
    allowed = "a section" if key.children else key.allowed
    cells = (f"`{key.name.rpartition('.')[2]}`", key.meaning, allowed, default)
    return f"| {' | '.join(cell.replace('|', _ESCAPED_PIPE) for cell in cells)} |"
