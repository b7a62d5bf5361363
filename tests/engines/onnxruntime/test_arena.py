"""Memory of several networks that stay open, each way in a process of its own."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.onnxruntime.backend import FOR_ONCE, Use, open_network
from engines.plans.own_process import in_own_process
from tests.memory import resident_bytes

STAYS = Use(shares_arena=True)
SIZES = ((600, 800), (500, 900), (400, 1000))
"""The largest first, as an image pyramid comes."""
ACTIVATION = 16 * 600 * 800 * 4
"""Bytes of the largest one; three of a run are alive at a time."""
NETWORKS = 4


def widening():
    """Return a network of any picture: two convolutions, sixteen planes."""
    rng = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)
        for name, shape in (("first", (16, 3, 3, 3)), ("second", (16, 16, 1, 1)))
    ]
    nodes = [
        helper.make_node("Conv", ["in", "first"], ["wide"], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["wide", "second"], ["again"]),
        helper.make_node("ReduceMean", ["again"], ["out"], axes=[2, 3], keepdims=0),
    ]
    shapes = ("in", [1, 3, "height", "width"]), ("out", [1, 16])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, is_) for name, is_ in shapes]
    graph = helper.make_graph(nodes, "widening", ends[:1], ends[1:], weights)
    opset = helper.make_opsetid("", 11)
    return helper.make_model(graph, ir_version=8, opset_imports=[opset]).SerializeToString()


def growth(use: Use) -> int:
    """Return by how much this process grows with networks that look at pictures in turns."""
    pictures = [np.ones((1, 3, *size), np.float32) for size in SIZES]
    small = np.ones((1, 3, 8, 8), np.float32)
    networks = [open_network(widening(), use=use) for _ in range(NETWORKS)]
    for network in networks:
        network.run(small)
    before = resident_bytes()
    for picture in pictures:
        for network in networks:
            network.run(picture)
    return resident_bytes() - before


def test_networks_that_share_the_arena_take_the_memory_of_one():
    shared = in_own_process("that shares", growth, Use(shares_arena=True, plans_memory=False))
    alone = in_own_process("that does not share", growth, FOR_ONCE)
    assert shared < 4 * ACTIVATION
    assert alone > NETWORKS * ACTIVATION


@pytest.mark.parametrize("use", [STAYS, Use(plans_memory=False)])
def test_the_use_of_a_network_moves_none_of_its_values(use):
    picture = np.random.default_rng(1).normal(size=(1, 3, 20, 30)).astype(np.float32)
    once, so = (open_network(widening(), use=each) for each in (FOR_ONCE, use))
    assert np.array_equal(once.run(picture)[0], so.run(picture)[0])


def test_a_closed_network_leaves_the_arena_to_the_others():
    picture = np.ones((1, 3, 20, 30), np.float32)
    gone, staying = (open_network(widening(), use=STAYS) for _ in range(2))
    expected = staying.run(picture)[0]
    gone.close()
    assert np.array_equal(staying.run(picture)[0], expected)
