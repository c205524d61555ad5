"""Pictures; the one home of the plotting library."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np


def latency_cdf(file: Path, runs: Mapping[str, Sequence[float]], title: str) -> None:
    """Draw the share of calls answered within each latency, one line a run.

    Parameters
    ----------
    file
        Where the picture goes; its ending names the format.
    runs
        Latencies in seconds by name of run.
    title
        What stands above.
    """
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, latencies_s in runs.items():
        ordered_ms = np.sort(np.asarray(latencies_s)) * 1000
        share = np.arange(1, len(ordered_ms) + 1) / max(1, len(ordered_ms))
        axes.step(ordered_ms, share, where="post", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("latency from request to answer, ms")
    axes.set_ylabel("share of calls")
    axes.set_ylim(0, 1.02)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(loc="lower right")
    axes.set_title(title)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
    plt.close(figure)
