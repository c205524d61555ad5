from executor.actions import Run
from executor.domain import Tier
from executor.snapshot import take_snapshot
from tests.executor.worlds import function, hold, idle_instance, state


def test_it_shows_the_owners_instances_as_they_were_and_counts_what_runs() -> None:
    world = state(function("f"), function("b", owner="bob"), worker_mib=3000)
    idle, busy = idle_instance(world, "f"), idle_instance(world, "f")
    idle_instance(world, "b")
    world.run(Run("c", busy.id, "f", Tier.HOST, 60.0), 0.0)
    seen = take_snapshot(world, ["ann"])
    assert set(seen.instances) == {idle.id, busy.id}
    assert seen.running == {"f": 1}
    hold(world, idle.id, "f")
    assert not seen.instances[idle.id].residencies
