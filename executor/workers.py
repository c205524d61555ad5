"""Which worker a new instance goes to."""

from executor.domain import Function
from executor.state import State


def roomiest(state: State) -> str:
    """Name the worker with the most free memory, of those that answer."""
    return max(state.answering, key=state.free_bytes)


def roomiest_for(state: State, function: Function) -> str:
    """Name the worker with the most free memory, of those with room and a GPU if it has use.

    One whose last instance failed to start comes last of those with room, and one that does not
    answer not at all: it has much of that when its engine is gone.
    """

    def rank(worker: str) -> tuple[bool, bool, int]:
        free_bytes = state.free_bytes(worker)
        fits = free_bytes >= function.memory_limit_bytes
        useful = function.profile.gpu is not None and bool(state.workers[worker].gpus)
        return fits and worker not in state.failing, useful and fits, free_bytes

    return max(state.answering, key=rank)
