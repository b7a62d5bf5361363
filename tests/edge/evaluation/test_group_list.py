import pytest

from edge.errors import UsageError
from edge.evaluation.group_list import Membership, read_groups

IMAGES = ["Ann_Lee/1.jpg", "Ann_Lee/2.jpg", "Bob_Ray/1.jpg", "loose.jpg"]


def read(tmp_path, *lines):
    path = tmp_path / "groups.csv"
    path.write_text("\n".join(lines))
    return read_groups(path, IMAGES)


def test_a_person_is_the_folder_of_the_images(tmp_path):
    found = read(tmp_path, "person,group", "Ann_Lee,women", "Bob_Ray,men")
    assert found == {
        "Ann_Lee/1.jpg": Membership("Ann_Lee", "women"),
        "Ann_Lee/2.jpg": Membership("Ann_Lee", "women"),
        "Bob_Ray/1.jpg": Membership("Bob_Ray", "men"),
    }


def test_images_may_be_named_with_their_person(tmp_path):
    found = read(
        tmp_path, "image,person,group", "loose.jpg,Cy,men", "Ann_Lee/1.jpg,,women", ",Bob_Ray,men"
    )
    assert found["loose.jpg"] == Membership("Cy", "men")
    assert found["Ann_Lee/1.jpg"] == Membership("Ann_Lee", "women")
    assert found["Bob_Ray/1.jpg"].group == "men"
    assert "Ann_Lee/2.jpg" not in found


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["person,team", "Ann_Lee,a"], ":1: it needs the columns group"),
        (["group", "a"], "and image or person"),
        ([""], "it needs the columns"),
        (["person,group", "Ann_Lee,"], ":2: a value is missing"),
        (["person,group", "Ann_Lee"], ":2: a value is missing"),
        (["person,group", "Ann_Lee,a", "Ann_Lee,b"], ":3: Ann_Lee is in two groups, a and b"),
        (["image,group", "Ann_Lee/1.jpg,a", "Ann_Lee/2.jpg,b"], "Ann_Lee is in two groups"),
        (["person,group", "Ann_Lee,a", "Nobody,b"], "fewer than two groups among the images"),
        (["image,group", "loose.jpg,a", "Bob_Ray/1.jpg,b"], "whose is loose.jpg?"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path, lines, words):
    with pytest.raises(UsageError) as wrong:
        read(tmp_path, *lines)
    assert words in str(wrong.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_groups(tmp_path / "absent.csv", IMAGES)
