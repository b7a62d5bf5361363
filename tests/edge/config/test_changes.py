import pytest

from edge.config.changes import changes
from tests.edge.configurations import loaded

BEFORE = """\
pair: pairs/default
gate: {threshold: 30}
sources:
  - {name: door, uri: "rtsp://camera/door"}
  - {name: yard, uri: "rtsp://camera/yard", gate: {threshold: 60}}
sinks: [{type: stdout}]
"""


def words(after):
    return changes(loaded(BEFORE).config, loaded(after).config).words


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", "nothing"),
        ("threshold: 30", "threshold: 40", "door is retuned"),
        ("threshold: 60", "threshold: 30", "yard is retuned"),
        ("camera/door", "camera/gate", "door is opened anew"),
        ("name: yard", "name: garden", "yard ends, garden is new"),
        ("type: stdout", "type: directory, path: faces", "delivery"),
        ("pairs/default", "pairs/other", "engines"),
        ("gate: {threshold: 30}", "gate: {threshold: 30}\npage: {allow_apply: true}", "page"),
        ("gate: {threshold: 30}", "mode: observe", "door is retuned, yard is retuned"),
    ],
)
def test_only_what_differs_is_changed(old, new, expected):
    assert words(BEFORE.replace(old, new, 1) if old else BEFORE) == expected


@pytest.mark.parametrize(
    "own",
    ["masks: ['0,0 1,0 1,1']", "max_fps: 5", "schedule: [{days: [mon]}]", "tracks: {keep: 2}"],
)
def test_keys_that_do_not_concern_the_camera_leave_it_open(own):
    after = BEFORE.replace('door"', f'door", {own}')
    assert words(after) == "door is retuned"
