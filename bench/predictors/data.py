"""The traces that predictors are trained and judged on."""

from pathlib import Path

from bench.traces.minutes import MinuteTrace, TraceError, read_minutes

NAMES = ("azure2019_24h_sample", "azure2019_24h_patterns", "azure2019_8h_functions")


def read_traces(folder: Path) -> dict[str, MinuteTrace]:
    """Read the three tables of the Azure Functions 2019 data by name.

    Raises
    ------
    TraceError
        If one is missing or malformed.
    """
    if not folder.is_dir():
        raise TraceError(f"{folder}: no such folder, expected one with {NAMES[0]}.csv.gz")
    return {name: read_minutes(folder / f"{name}.csv.gz") for name in NAMES}
