import pytest

from engines.build.memory import BASE_BYTES, free_bytes, memory_text, needed_bytes
from engines.calibration.bench import GROUP_BYTES
from engines.plans.own_process import in_own_process
from tests.large_networks import Residual, residual
from tests.memory import build, calibrate, measure_fp16, open_and_reopen
from tests.networks import loaded

SIZE = 48
ACTIVATIONS = 150_000_000
"""Of a batch, and what libraries take once; before, 19 times the network were needed."""


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A network whose weights weigh more than its activations."""
    file = tmp_path_factory.mktemp("large") / "large.onnx"
    file.write_bytes(residual(Residual(depths=(1, 1, 1, 1), size=SIZE)).SerializeToString())
    return file


@pytest.fixture(scope="module")
def built(large, tmp_path_factory):
    """A pair of it, and the peak that building took."""
    pair = tmp_path_factory.mktemp("built") / "pair"
    return pair, in_own_process("that builds", build, large, SIZE, pair)


def test_building_and_measuring_fp16_take_no_more_than_eight_times_the_network(large, built):
    limit = 8 * large.stat().st_size + ACTIVATIONS
    pair, peak = built
    assert peak < limit
    assert in_own_process("that measures", measure_fp16, pair) < limit


def test_opening_proves_a_pair_in_little_more_memory_than_one_face_and_reopening_adds_none(built):
    pair, _ = built
    size = sum(each.stat().st_size for each in pair.glob("*.onnx"))
    without, proved, reopened = in_own_process("that opens", open_and_reopen, pair, SIZE, 6)
    assert proved - without < 0.3 * size
    assert reopened - proved < 0.3 * size


def test_a_calibration_takes_no_more_than_eight_times_one_graph_of_candidates(large):
    peak = in_own_process("that calibrates", calibrate, large, SIZE)
    assert peak < 8 * (large.stat().st_size + GROUP_BYTES)


def test_a_build_needs_several_times_the_weights(tmp_path):
    # Stem 6 x 27, its slopes, depthwise 6 x 9, two normalisations of 4 x 6, 8 x 120 and 8, 4 x 8.
    weights = 4 * (162 + 6 + 54 + 48 + 960 + 8 + 32)
    assert needed_bytes(loaded(tmp_path)) == BASE_BYTES + 10 * weights


@pytest.mark.parametrize(
    ("free", "text"),
    [
        (None, "building takes about 1.8 GB of memory"),
        (2_000_000_000, "building takes about 1.8 GB of memory, 2.0 GB are free"),
        (
            1_000_000_000,
            "warning: building takes about 1.8 GB of memory, 1.0 GB are free",
        ),
    ],
)
def test_a_machine_with_less_memory_than_a_build_needs_is_warned(free, text):
    assert memory_text(1_800_000_000, free).partition(": close")[0] == text


def test_free_memory_is_the_kernels_figure_or_none(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9999 kB\nMemAvailable: 1234 kB\n")
    assert free_bytes(tmp_path / "meminfo") == 1234 * 1024
    assert free_bytes(tmp_path / "none") is None
