"""The child process: answers questions until the parent is gone."""

import os
import socket
import sys
from queue import SimpleQueue
from threading import Thread
from typing import Final

from solver.errors import MissingSolver
from solver.methods import load_method
from solver.plan import make_plan
from solver.warm_up import warm_up
from solver.worker.channel import Channel, ChannelBroken
from solver.worker.handle import READY, Answer, Question

_FOR_SMALL: Final = ("cpsat", "highs")


def main(descriptor: int) -> None:
    """Answer questions that come in over a socket, one after another."""
    connection = Channel(socket.socket(fileno=descriptor))
    questions: SimpleQueue[Question] = SimpleQueue()
    Thread(target=_listen, args=(connection, questions), daemon=True).start()
    _warm_up()
    answers = Channel(socket.socket(fileno=os.dup(descriptor)))
    answers.send(READY)
    while True:
        answers.send(_answer(questions.get()))


def _listen(connection: Channel, questions: "SimpleQueue[Question]") -> None:
    """Take questions, even while one is solved; end the process when the parent is gone."""
    try:
        while True:
            questions.put(connection.receive())
    except ChannelBroken:
        os._exit(0)


def _warm_up() -> None:
    """Make the method for small problems ready; others get time enough to do so themselves."""
    for method in _FOR_SMALL:
        try:
            warm_up(method)
        except MissingSolver:
            continue
        break


def _answer(question: Question) -> Answer:
    problem = question.problem
    start = make_plan(problem, question.start, method="start", status="feasible", solve_s=0.0)
    plan = load_method(question.method).solve(
        problem, deadline_s=question.deadline_s, seed=question.seed, incumbent=start
    )
    return Answer(question.number, plan.pairs, plan.objective, plan.bound, plan.status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
