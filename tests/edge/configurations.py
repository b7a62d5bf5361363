"""Configurations for tests, from YAML text."""

from pathlib import Path
from textwrap import dedent

from edge.config.file import LoadedConfig, checked
from edge.config.reader import parse_document

FOLDER = Path("/etc/edge-gate")
SMALLEST = """\
pair: pairs/default
sources:
  - name: door
    uri: photographs
sinks:
  - type: directory
    path: faces
"""


def loaded(text: str) -> LoadedConfig:
    return checked(parse_document(dedent(text), FOLDER / "gate.yaml"))
