import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bench.solver.instances import SIZES, make_instance
from solver import Plan, solve, verify
from solver.worker import ChannelBroken, Worker

CHILD = """
import socket, sys, time
from solver.worker.channel import Channel
channel = Channel(socket.socket(fileno=int(sys.argv[1])))
channel.send("ready")
question = channel.receive()
"""
LATE = """
from solver.worker.handle import Answer
channel.receive()
channel.send(Answer(1, question.start, 1.0, 1.0, "feasible"))
question = channel.receive()
channel.send(Answer(2, question.start, 2.0, 2.0, "feasible"))
channel.receive()
"""
PARENT = """
import sys
from solver.worker import Worker
worker = Worker()
print(worker.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def plan() -> Plan:
    return solve(make_instance(SIZES["S"], seed=3).problem, "density")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    pytest.importorskip("highspy")
    worker = Worker()
    assert worker.wait_ready(60)
    yield worker
    worker.kill()


def scripted(text: str) -> Worker:
    worker = Worker(("-P", "-c", CHILD + text))
    assert worker.wait_ready(60)
    return worker


def ask(worker: Worker, plan: Plan, limit_s: float = 60.0) -> Plan:
    return worker.ask(plan, "highs", seed=0, deadline_s=limit_s, limit_s=limit_s)


def test_child_solves(worker: Worker, plan: Plan) -> None:
    found = ask(worker, plan)
    assert verify(plan.problem, found) >= plan.objective
    assert found.status == "optimal"


def test_late_answer_is_taken_off(plan: Plan) -> None:
    worker = scripted(LATE)
    with pytest.raises(TimeoutError):
        ask(worker, plan, limit_s=0.05)
    worker._channel.send("now")
    assert worker.wait_ready(60)
    assert ask(worker, plan).objective == 2.0
    worker.kill()


def test_child_that_hangs(plan: Plan) -> None:
    now_s = [0.0]
    worker = Worker(("-P", "-c", CHILD + "time.sleep(1000)"), clock=lambda: now_s[0])
    assert worker.wait_ready(60)
    with pytest.raises(TimeoutError):
        ask(worker, plan, limit_s=0.01)
    early = worker.hung
    now_s[0] = 2.0
    assert (early, worker.hung) == (False, True)
    worker.kill()


@pytest.mark.parametrize(
    "text", ["", "sys.exit(1)", "channel.send('no')", "channel.send(None)", "channel.send(3)"]
)
def test_child_that_crashes_or_answers_rubbish(text: str, plan: Plan) -> None:
    worker = scripted(text)
    with pytest.raises(ChannelBroken):
        ask(worker, plan)
    worker.kill()


def test_child_ends_with_its_parent() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        ended, _, _ = select.select([child], [], [], 60)
        os.close(child)
    assert ended
