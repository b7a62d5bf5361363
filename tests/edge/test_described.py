from pydantic import Field

from edge.described import Described


class Parent(Described):
    """What both have."""

    kept: int
    """Of the parent."""
    told_anew: int
    """Of the parent."""
    silent: int
    """Not said any more."""
    stated: int = Field(description="In the field.")
    """Under it."""
    bare: int


class Child(Parent):
    told_anew: int
    """
    Of the child,
    in two lines.
    """
    silent: int
    own: int
    """New."""


def test_the_schema_describes_each_field_by_the_docstring_that_was_written_last():
    properties = Child.model_json_schema()["properties"]
    assert {name: each.get("description") for name, each in properties.items()} == {
        "kept": "Of the parent.",
        "told_anew": "Of the child,\nin two lines.",
        "silent": None,
        "stated": "In the field.",
        "bare": None,
        "own": "New.",
    }


def test_no_docstring_is_read_before_a_schema_is_asked_for():
    assert {name: each.description for name, each in Child.model_fields.items()} == {
        name: "In the field." if name == "stated" else None for name in Child.model_fields
    }
