"""Pictures of a summary."""

from pathlib import Path
from typing import Final

import numpy as np

from bench.replay.summary import PUBLISHED, Setup, Summary
from bench.report import bars, lines, quantile_curves

NOTHING: Final = (float("nan"), 0.0)


def draw(summary: Summary, folder: Path) -> list[Path]:
    """Draw latency curves and memory of each policy and memory size, and bars by policy."""
    setups = summary.setups()
    files = []
    for memory_gib in dict.fromkeys(one.memory_gib for one in setups):
        here = [one for one in setups if one.memory_gib == memory_gib]
        files.append(_bars(summary, here, folder / f"latency_by_policy_{memory_gib}gib.png"))
        for policy in dict.fromkeys(one.policy for one in here):
            those = [one for one in here if one.policy == policy]
            files += _curves(summary, those, folder)
    return files


def _bars(summary: Summary, setups: list[Setup], file: Path) -> Path:
    policies = list(dict.fromkeys(one.policy for one in setups))
    means = {(one.policy, _label(one)): _mean(summary, one) for one in setups}
    heights = {
        label: [means.get((policy, label), NOTHING) for policy in policies]
        for label in dict.fromkeys(label for _, label in means)
    }
    title = f"Mean latency with {setups[0].memory_gib} GiB"
    bars(file, policies, heights, "latency from request to answer, s", title)
    return file


def _mean(summary: Summary, setup: Setup) -> tuple[float, float]:
    estimate = summary.estimate(setup, "e2e_s", "mean")
    return NOTHING if estimate is None else (estimate.mean, estimate.half_width)


def _curves(summary: Summary, setups: list[Setup], folder: Path) -> list[Path]:
    policy, memory_gib = setups[0].policy, setups[0].memory_gib
    latency = folder / f"latency_{policy}_{memory_gib}gib.png"
    memory = folder / f"memory_{policy}_{memory_gib}gib.png"
    where = f"under {policy} with {memory_gib} GiB"
    curves = {_label(one): summary.curve(one, "e2e_curve_s") for one in setups}
    quantile_curves(latency, curves, f"Latency {where}")
    held = {_label(one): summary.curve(one, "memory_gib") for one in setups}
    places = {key: (np.array(list(one)), np.array(list(one.values()))) for key, one in held.items()}
    lines(memory, places, "minute", "memory of all containers, GiB", f"Memory {where}")
    return [latency, memory]


def _label(setup: Setup) -> str:
    return setup.preload if setup.starts == PUBLISHED else f"{setup.preload}, {setup.starts} starts"
