import numpy as np
import pytest

from edge.errors import UsageError
from edge.evaluation.pair_list import halves, read_pairs
from engines.errors import CalibrationError


def written(tmp_path, text):
    path = tmp_path / "pairs.csv"
    path.write_text(text, encoding="utf-8")
    return path


def lines(mated, header="image_a,image_b,mated"):
    rows = [f"a{i}.jpg,b{i}.jpg,{int(m)}" for i, m in enumerate(mated)]
    return "\n".join([header, *rows]) + "\n"


def test_pairs_keep_their_order_and_images_are_named_once(tmp_path):
    pairs = read_pairs(written(tmp_path, "image_a,image_b,mated\nx,y,1\ny,z,0\n"))
    assert pairs.pairs() == (("x", "y"), ("y", "z"))
    assert pairs.images() == ("x", "y", "z")
    assert pairs.mated.tolist() == [True, False]


def test_equal_runs_of_mated_and_non_mated_pairs_are_folds_as_in_lfw(tmp_path):
    pairs = read_pairs(written(tmp_path, lines([1, 1, 0, 0, 1, 1, 0, 0])))
    assert pairs.fold.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_any_other_order_gives_ten_folds_that_hold_both_kinds(tmp_path):
    pairs = read_pairs(written(tmp_path, lines([1] * 20 + [0] * 30)))
    for fold in range(10):
        assert pairs.mated[pairs.fold == fold].sum() == 2
        assert (~pairs.mated[pairs.fold == fold]).sum() == 3


def test_a_column_named_fold_decides(tmp_path):
    text = "image_a,image_b,mated,fold\nx,y,1,b\ny,z,0,a\nz,x,0,b\n"
    assert read_pairs(written(tmp_path, text)).fold.tolist() == [1, 0, 1]


def test_folds_are_chosen_by_the_names_of_their_column(tmp_path):
    text = "image_a,image_b,mated,fold\nx,y,1,b\ny,z,0,a\nz,x,0,b\nu,v,1,a\n"
    pairs = read_pairs(written(tmp_path, text), only=("b",))
    assert pairs.pairs() == (("x", "y"), ("z", "x"))


def test_folds_without_a_column_are_chosen_by_numbers_from_one(tmp_path):
    pairs = read_pairs(written(tmp_path, lines([1, 0] * 3)), only=("1", "3"))
    assert pairs.first == ("a0.jpg", "a1.jpg", "a4.jpg", "a5.jpg")


def test_a_fold_that_does_not_exist_is_named_with_those_that_do(tmp_path):
    with pytest.raises(UsageError, match="no fold is named '4'; there are 1, 2, 3"):
        read_pairs(written(tmp_path, lines([1, 0] * 3)), only=("1", "4"))


def test_halves_have_no_fold_and_no_image_in_common(tmp_path):
    text = lines([1, 0] * 4) + "a0.jpg,b9.jpg,1\na8.jpg,b8.jpg,0\n"  # a0 is in the first fold
    tuning, other = halves(read_pairs(written(tmp_path, text)))
    assert (set(tuning.fold), set(other.fold)) == ({0, 1}, {2, 3, 4})
    assert not set(tuning.images()) & set(other.images())
    assert len(tuning.first) + len(other.first) == 9


def test_pairs_of_one_fold_cannot_be_divided(tmp_path):
    text = "image_a,image_b,mated,fold\nx,y,1,a\nz,u,0,a\n"
    with pytest.raises(CalibrationError, match="two folds or more"):
        halves(read_pairs(written(tmp_path, text)))


def test_a_byte_order_mark_of_a_spreadsheet_is_no_part_of_the_first_column(tmp_path):
    assert len(read_pairs(written(tmp_path, "\ufeff" + lines([1, 0]))).pairs()) == 2


def test_chosen_pairs_keep_their_folds(tmp_path):
    pairs = read_pairs(written(tmp_path, lines([1, 1, 0, 0, 1, 1, 0, 0])))
    chosen = pairs.of(np.arange(8) % 2 == 1)
    assert chosen.first == ("a1.jpg", "a3.jpg", "a5.jpg", "a7.jpg")
    assert chosen.fold.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'image_a'"),
        ("image_a,image_b\nx,y\n", "no column 'mated'"),
        ("image_a,image_b,mated\nx,y,yes\n", ":2: mated is 'yes'"),
        ("image_a,image_b,mated\nx,y,1\nx,,0\n", ":3: a value is missing"),
        ("image_a,image_b,mated\nx,y,1\nx,z\n", ":3: a value is missing"),
        ("image_a,image_b,mated\nx,y,1\n", "both mated and non-mated"),
    ],
)
def test_a_file_that_is_no_list_of_pairs_is_refused_with_its_place(tmp_path, text, message):
    with pytest.raises(UsageError, match=message):
        read_pairs(written(tmp_path, text))


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.csv"):
        read_pairs(tmp_path / "gone.csv")


def test_a_picture_is_not_read_as_pairs(tmp_path):
    path = tmp_path / "face.jpg"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(UsageError, match="cannot be read"):
        read_pairs(path)
