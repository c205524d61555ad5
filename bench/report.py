"""Pictures; the one home of the plotting library."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from numpy.typing import NDArray

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]

TEN = 10
"""Colours that are told apart easily; there are twenty at need."""

LEAST_GAP = 1e-5
"""Gaps below are drawn here, since a logarithmic axis has no zero."""


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


def calibration(file: Path, panels: Mapping[str, Mapping[str, Curve]], title: str) -> None:
    """Draw the share of forecasts that came true over the forecast chance, on logarithmic axes.

    Parameters
    ----------
    file
        Where the picture goes; its ending names the format.
    panels
        By title of a panel and name of a line: forecast chances, and the shares that came true.
    title
        What stands above.
    """
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(4.4 * len(panels), 4.4), layout="constrained", squeeze=False
    )
    for axes, (name, curves) in zip(all_axes[0], panels.items(), strict=True):
        axes.plot([1e-4, 1], [1e-4, 1], color="grey", linewidth=0.8)
        for label, (forecast, came) in curves.items():
            axes.plot(forecast, came, marker=".", label=label)
        axes.set(xscale="log", yscale="log", xlim=(1e-4, 1), ylim=(1e-4, 1), title=name)
        axes.set_xlabel("forecast chance of a call")
        axes.grid(visible=True, alpha=0.25)
    all_axes[0][0].set_ylabel("share of forecasts with a call")
    all_axes[0][0].legend(loc="upper left")
    figure.suptitle(title)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
    plt.close(figure)


def quality_against_latency(
    file: Path, panels: Mapping[str, Mapping[str, Sequence[tuple[float, ...]]]], title: str
) -> None:
    """Draw gaps to the best bound over solve time on logarithmic axes: one line a method.

    Parameters
    ----------
    file
        Where the picture goes; its ending names the format.
    panels
        By title of a panel and name of a line: points (seconds, least, mean and largest gap).
    title
        What stands above.
    """
    figure, all_axes = plt.subplots(
        1, len(panels), figsize=(4.8 * len(panels), 4.4), layout="constrained", squeeze=False
    )
    labels = dict.fromkeys(label for lines in panels.values() for label in lines)
    colours = {label: f"C{number}" for number, label in enumerate(labels)}
    for axes, (name, lines) in zip(all_axes[0], panels.items(), strict=True):
        for label, points in lines.items():
            time_s, least, mean, largest = np.maximum(np.array(sorted(points)).T, LEAST_GAP)
            axes.fill_between(
                1000 * time_s, 100 * least, 100 * largest, color=colours[label], alpha=0.15
            )
            axes.plot(1000 * time_s, 100 * mean, marker="o", markersize=3, color=colours[label])
        axes.set(xscale="log", yscale="log", title=name, xlabel="solve time, ms")
        axes.grid(visible=True, which="both", alpha=0.25)
    all_axes[0][0].set_ylabel("gap to the best proven bound, %")
    handles = [Line2D([], [], color=colour, marker="o") for colour in colours.values()]
    figure.legend(handles, list(colours), loc="outside right upper", fontsize="small")
    figure.suptitle(title)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=150)
    plt.close(figure)


def quantile_curves(file: Path, runs: Mapping[str, Mapping[float, float]], title: str) -> None:
    """Draw the share of calls answered within each latency from quantiles, one line a run.

    Parameters
    ----------
    file
        Where the picture goes; its ending names the format.
    runs
        Latencies in seconds by share of calls, by name of run.
    title
        What stands above.
    """
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for name, quantiles in runs.items():
        axes.plot(list(quantiles.values()), list(quantiles), label=name)
    axes.set(xscale="log", ylim=(0, 1.02), title=title, ylabel="share of calls")
    axes.set_xlabel("latency from request to answer, s")
    axes.grid(visible=True, which="both", alpha=0.25)
    figure.legend(loc="outside right upper", fontsize="small")
    _save(file)


def bars(
    file: Path,
    groups: Sequence[str],
    heights: Mapping[str, Sequence[tuple[float, float]]],
    label: str,
    title: str,
) -> None:
    """Draw a group of bars for each of ``groups``, one bar for each of ``heights``.

    Each bar is a height and half the width of its interval, which is drawn unless it is 0.
    """
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    colours = mpl.colormaps["tab10" if len(heights) <= TEN else "tab20"]
    axes.set_prop_cycle(color=[colours(number) for number in range(colours.N)])
    width = 0.8 / len(heights)
    places = np.arange(len(groups))
    for number, (name, values) in enumerate(heights.items()):
        tops, halves = np.array(values).T
        at = places + (number + 0.5) * width - 0.4
        axes.bar(at, tops, width, yerr=np.where(halves > 0, halves, np.nan), capsize=2, label=name)
    axes.set_xticks(places, groups)
    axes.set(ylabel=label, title=title)
    axes.grid(visible=True, axis="y", alpha=0.25)
    figure.legend(loc="outside right upper", fontsize="small")
    _save(file)


def lines(file: Path, curves: Mapping[str, Curve], x: str, y: str, title: str) -> None:
    """Draw curves with names of the axes; the vertical one begins at 0."""
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for name, (places, values) in curves.items():
        axes.plot(places, values, label=name, linewidth=1)
    axes.set(xlabel=x, ylabel=y, title=title)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.25)
    figure.legend(loc="outside right upper", fontsize="small")
    _save(file)


def _save(file: Path) -> None:
    """Write and forget the current figure."""
    file.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(file, dpi=150)
    plt.close()
