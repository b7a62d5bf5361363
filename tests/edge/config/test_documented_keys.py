from pathlib import Path

from edge.config.file import checked
from edge.config.keys import markdown_tables
from edge.config.reader import parse_document

PAGE = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
REFRESH = (
    "put the output of 'edge-gate schema --markdown' between the marks of docs/configuration.md"
)


def between(start: str, end: str) -> str:
    return PAGE.read_text(encoding="utf-8").partition(start)[2].partition(end)[0]


def test_the_page_documents_the_configuration_as_it_is():
    written = between("<!-- configuration -->\n", "\n<!-- end of configuration -->")
    assert written == markdown_tables(), REFRESH


def test_the_smallest_configuration_is_valid():
    smallest = between("# Configuration", "<!--").partition("```yaml\n")[2].partition("```")[0]
    assert checked(parse_document(smallest, PAGE)).config.sources[0].name == "door"
