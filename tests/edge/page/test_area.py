import pytest

from edge.config.schedule import DAYS
from edge.page.area import area_in, area_of, covered, yaml_of_area
from edge.page.people import Remembered
from edge.samples import Reason
from tests.edge.configurations import loaded

LEFT, RIGHT = "0,0 0.5,0 0.5,1 0,1", "0.5,0 1,0 1,1 0.5,1"
NOBODY = area_in({})


def seen(number, x, person=0, seen_s=0.0):
    return Remembered(number, person, seen_s, 50, Reason.FORWARDED, "", (x, 0.5))


def test_people_who_would_come_under_a_mask_are_told_once_and_faces_that_would_not_any_more():
    faces = [seen(0, 0.1, 1), seen(1, 0.2, 1), seen(2, 0.8, 2), seen(3, 0.3, 3)]
    found = covered(faces, area_in({"masks": [RIGHT]}), area_in({"masks": [LEFT]}))
    assert (found.faces, found.masked, found.unmasked, found.outside) == (4, (1, 3), 1, 0)
    assert covered(faces, NOBODY, NOBODY).masked == ()


def test_faces_outside_of_the_hours_are_counted_by_local_time():
    found = covered([seen(0, 0.1)], NOBODY, area_in({"schedule": [{"days": ["thu"]}]}))
    # Second 0 was a Thursday in UTC; only west of it it was a Wednesday.
    never = [{"days": list(DAYS), "start": "08:00", "end": "08:01"}]
    assert found.outside == 0
    assert covered([seen(0, 0.1)], NOBODY, area_in({"schedule": never})).outside == 1


def test_only_what_differs_is_written():
    text = (
        "pair: p\nsinks: [{type: stdout}]\n"
        "sources: [{name: door, uri: 'rtsp://a/b', masks: ['%s']}]\n"
    )
    known = area_of(loaded(text % LEFT).config.sources[0])
    asked = area_in({"masks": [LEFT], "schedule": [{"days": list(DAYS), "end": "18:00"}]})
    assert list(asked.changed(known)) == ["schedule"]
    assert asked.written("schedule") == [{"start": "00:00", "end": "18:00"}]


def test_the_lines_to_paste_name_the_camera():
    lines = yaml_of_area("door", area_in({"masks": [LEFT]}))
    assert lines == f"sources:\n- name: door\n  masks:\n  - {LEFT}\n  schedule: []\n"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"masks": ["0,0 1,1"]}, "masks.0: a mask is three or more points"),
        ({"masks": ["0,0 1,1 2,2"]}, "masks.0: the points of a mask are fractions"),
        ({"masks": [LEFT] * 51}, "masks: "),
        ({"schedule": [{"days": []}]}, "schedule.0.days: the list of days is empty"),
        ({"schedule": [{"start": "8"}]}, "schedule.0.start: "),
        ({"threshold": 3}, "threshold: "),
        ([], ": "),
    ],
)
def test_what_is_no_area_is_told_with_its_place(document, words):
    with pytest.raises(ValueError, match="^" + words):
        area_in(document)
