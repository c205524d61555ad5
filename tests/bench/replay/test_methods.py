"""What the published methods are told of a replay."""

import numpy as np
import pytest

from bench.replay.methods import PRELOADS
from bench.replay.oracles import Clairvoyant, InstaInferPredictor
from executor.domain import Tier
from predictors.arrival.mixture import MixturePredictor
from tests.bench.replay.worlds import workload
from tests.executor.worlds import function, hold, idle_instance, state


def test_headstart_plans_by_what_a_server_plans_by_and_the_clairvoyant_by_the_calls() -> None:
    plans = {name: PRELOADS[name](workload(), state) for name in PRELOADS}
    assert isinstance(plans["headstart"].predictor, MixturePredictor)
    assert isinstance(plans["clairvoyant"].predictor, Clairvoyant)
    assert [name for name, one in plans.items() if one.plan is None] == ["none"]


@pytest.mark.parametrize("name", ["instainfer", "tyche"])
def test_instainfers_rules_know_what_is_loaded_or_being_loaded(name: str) -> None:
    here = state(*(function(one) for one in "fgh"), worker_mib=2000)
    predictor = PRELOADS[name](workload(), lambda: here).predictor
    assert isinstance(predictor, InstaInferPredictor)
    first, second = idle_instance(here, "f"), idle_instance(here, "g")
    hold(here, first.id, "g")
    here.loading(second.id, "h", Tier.HOST)
    assert predictor.loaded(np.array([0, 1, 2])).tolist() == [False, True, True]
    here.offloading(first.id, "g")
    assert predictor.loaded(np.array([2, 1])).tolist() == [True, False]
