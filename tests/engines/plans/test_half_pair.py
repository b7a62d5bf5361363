from dataclasses import replace

import pytest

from engines.build.build import build_pair
from engines.plans.half_pair import prepare_networks
from engines.plans.options import PlanOptions
from engines.tensorrt.profile import BatchProfile
from tests.networks import TinyNetwork, face_network, loaded
from tests.pairs import request


@pytest.mark.parametrize("one_by_one", [True, False])
def test_plans_take_the_batches_that_their_network_does(tmp_path, one_by_one):
    tiny = TinyNetwork(batch_norm=False)
    network = loaded(tmp_path, tiny)
    if one_by_one:
        network = replace(network, model=face_network(tiny))
    manifest = build_pair(request(network), tmp_path / "pair")
    prepared = prepare_networks(tmp_path / "pair", manifest, PlanOptions(), "strong")
    alone = BatchProfile(smallest=1, usual=1, largest=1)
    wanted = alone if one_by_one else PlanOptions().profile
    assert {each.shapes.batch_sizes for each in prepared} == {wanted}
