from dataclasses import replace

from executor.columns import Columns
from executor.domain import GpuProfile
from tests.executor.worlds import function

F, G, H = function("f"), function("g", owner="bob"), replace(function("h"), library="torch")


def test_owners_and_libraries_are_numbered_as_they_come() -> None:
    columns = Columns([F, G, H])
    assert columns.owners == {"ann": 0, "bob": 1}
    assert columns.owner.tolist() == [0, 1, 0]
    assert columns.library.tolist() == [-1, -1, 0]
    assert {name: rows.tolist() for name, rows in columns.rows_of.items()} == {
        "ann": [0, 2],
        "bob": [1],
    }


def test_a_row_is_what_the_function_is_now() -> None:
    columns = Columns([F, G])
    host_bytes = G.profile.memory_bytes + 5
    gpu = GpuProfile(host_bytes, gpu_memory_bytes=7, move_s=0.25)
    columns.write(1, replace(G, profile=replace(G.profile, load_s=2.0, gpu=gpu)))
    assert columns.ready_s.tolist() == [F.profile.ready_s, G.profile.import_s + 2.0]
    assert columns.has_gpu.tolist() == [False, True]
    assert (columns.gpu_host_bytes[1], columns.gpu_memory_bytes[1]) == (host_bytes, 7)
    assert columns.move_s[1] == 0.25
