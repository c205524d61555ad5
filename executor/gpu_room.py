"""What is left of GPUs, by what residencies have claimed of them."""

from collections.abc import Iterable, Mapping

from executor.domain import IDLE, Instance


def claimed_bytes(gpu: str, instances: Iterable[Instance]) -> int:
    """Return what residencies of instances hold of a GPU."""
    return sum(
        residency.gpu_memory_bytes
        for instance in instances
        if instance.gpu == gpu
        for residency in instance.residencies.values()
    )


def plannable_bytes(
    gpus: Mapping[str, int], instances: Mapping[str, Instance], planned: Mapping[str, Instance]
) -> dict[str, int]:
    """Return what of GPUs a plan for some of the instances may use.

    It may not touch what other instances hold, nor those that are not idle.
    """
    fixed = [
        one
        for one in (instances.values() if gpus else ())
        if one.id not in planned or one.state is not IDLE
    ]
    return {gpu: max(0, size - claimed_bytes(gpu, fixed)) for gpu, size in gpus.items()}
