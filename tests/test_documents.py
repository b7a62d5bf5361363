"""What README and docs tell people to type works, and what they link to is there."""

import ast
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import yaml

from edge.__main__ import main, parser_of
from edge.config.file import checked
from edge.config.reader import parse_document
from engines.catalogue.entry import read_entry
from tests.documents import PAGES, ROOT, blocks
from tests.edge.configurations import SMALLEST
from tests.edge.recordings import default_pair, people, write_walk

BLOCKS = tuple(blocks())
LANGUAGES = {"text", "sh", "yaml", "python", "json", "http"}
NOT_RUN_HERE = {
    "device": "needs a Jetson or a GPU",
    "root": "changes the machine; tests/system runs it in a box",
    "camera": "needs a camera",
    "broker": "needs a broker of the user's",
    "cluster": "needs several machines",
    "data": "needs a data set of the user's",
    "make": "is what runs this test, or takes minutes",
    "part": "is a part of a file",
    "form": "shows the form of a command",
    "entry": "is an entry of the catalogue",
}
COMMANDS = [block for block in BLOCKS if block.language == "sh"]
OURS = [
    (block, line)
    for block in COMMANDS
    for line in block.commands
    if re.match(r"(\S*/)?edge-gate ", line.removeprefix("sudo ")) and "form" not in block.marks
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_says_what_it_is(block):
    assert block.language in LANGUAGES
    assert set(block.marks) <= NOT_RUN_HERE.keys()


@pytest.mark.parametrize(("block", "line"), OURS, ids=str)
def test_every_command_of_ours_is_one_that_the_program_takes(block, line):  # noqa: ARG001 -- its id
    words = re.split(r"(?:^|\s|/bin/)edge-gate ", line)[1]
    words = re.split(r" '?[|>]", words)[0]
    words = shlex.split(re.sub(r"'?\[[^]]*\]'?|'…'|…", "", words))
    named = next((word for word in words if not word.startswith("-")), None)
    if named is not None or words != ["--version"]:
        parser_of(named).parse_args(words)  # else it exits with 64


YAML = [block for block in BLOCKS if block.language == "yaml"]


@pytest.mark.parametrize("block", [each for each in YAML if "entry" in each.marks], ids=str)
def test_every_entry_is_one_that_the_catalogue_takes(block, tmp_path):
    (tmp_path / "mine.yaml").write_text(block.text)
    assert read_entry(tmp_path / "mine.yaml").kind in {"network", "quality"}


@pytest.mark.parametrize("block", [each for each in YAML if "entry" not in each.marks], ids=str)
def test_every_configuration_is_one_that_the_gate_takes(block, tmp_path):
    text = block.text
    if "part" in block.marks:
        text = yaml.safe_dump({**yaml.safe_load(SMALLEST), **yaml.safe_load(text)})
    assert checked(parse_document(text, tmp_path / "gate.yaml")).config.sources


GATE = """\
pair: pairs/mobilefacenet512
sources:
  - name: door
    uri: recordings
sinks: [{type: directory, path: forwarded}]
mode: observe
shadow_log: {path: shadow.sqlite}
delivery: {outbox: {path: outbox.sqlite}}
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    """A folder as the pages speak of it: pair, recordings, photographs, two configurations."""
    folder = tmp_path_factory.mktemp("workshop")
    default_pair(folder / "pairs" / "mobilefacenet512")
    frames = people(count=18, shots=3)
    (folder / "recordings").mkdir()
    (folder / "photographs").mkdir()
    walking = [pixels for (_, shot), pixels in frames.items() if shot == 0]
    write_walk(folder / "recordings" / "door.mp4", walking[:8])  # enough for a threshold
    for number, pixels in enumerate(frames.values()):
        cv2.imwrite(str(folder / "photographs" / f"{number}.png"), pixels)
    (folder / "gate.yaml").write_text(GATE)
    (folder / "other.yaml").write_text(GATE + "gate: {threshold: 60}\n")
    return folder


RUN = [block for block in COMMANDS if not block.marks]


PROGRAMS = sorted({block.page for block in BLOCKS if block.language == "python"})


@pytest.mark.registry
@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom(page, workshop, monkeypatch):
    monkeypatch.chdir(workshop)
    names: dict[str, object] = {}
    for block in BLOCKS:
        if block.page == page and block.language == "python" and not block.marks:
            lines = "\n" * block.line + block.text  # so that an error names the line of the page
            exec(compile(lines, page, "exec"), names)


@pytest.mark.registry
@pytest.mark.parametrize("block", RUN, ids=str)
def test_every_block_of_commands_runs(block, workshop, monkeypatch, capfd):
    monkeypatch.chdir(workshop)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for line in block.commands:
        words = shlex.split(line)
        if words[0] == "edge-gate" and not {"|", ">"} & set(words):
            code = main(words[1:])
        else:
            here = os.environ | {"PATH": path}
            code = subprocess.run(["sh", "-euc", line], check=False, env=here).returncode
        assert code == 0, f"{block}: {line}: {capfd.readouterr()}"


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(there), f"{page.name} links to {target}"


def test_every_page_is_reached_from_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"(docs/{page.name})" not in readme] == []


def test_the_readme_is_short():
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 160


def _texts() -> str:
    """Return what the program can say: its text constants, parts of one sentence joined."""
    sources = [path for name in ("edge", "engines") for path in sorted((ROOT / name).rglob("*.py"))]
    nodes = (node for path in sources for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return "\n".join(
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_each_message_of_the_troubleshooting_page_is_one_that_the_program_says():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)
    said = _texts()
    assert len(quoted) > 15
    assert [each for each in quoted if each not in said] == []
