"""The traces that predictors are trained and judged on, and others that they were not made for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.traces.minutes import MinuteTrace, read_minutes
from bench.traces.requests import RequestLog, read_requests
from bench.traces.tables import TraceError

NAMES: Final = ("azure2019_24h_sample", "azure2019_24h_patterns", "azure2019_8h_functions")


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where a log of requests is, and the names of its columns."""

    path: str
    time_column: str
    function_columns: tuple[str, ...] = ()
    unit_s: float = 1.0


LOGS: Final[Mapping[str, LogFile]] = {
    "gentd26": LogFile(
        "research_only/gentd26_requests.csv.gz", "t_s", ("checkpoint_model_version_id",)
    ),
    "azure2021": LogFile("azure2021_requests_sample.csv.gz", "start_s", ("app", "func")),
    "azure_llm2023_code": LogFile("azure_llm2023_code.csv.gz", "t_s"),
    "azure_llm2023_conv": LogFile("azure_llm2023_conv.csv.gz", "t_s"),
    "mooncake": LogFile("mooncake_conversation.csv.gz", "t_ms", unit_s=1e-3),
}


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


def read_logs(folder: Path) -> dict[str, RequestLog]:
    """Read those logs of requests that are there, by name.

    Raises
    ------
    TraceError
        If one is malformed.
    """
    return {
        name: read_requests(folder / one.path, one.time_column, one.function_columns, one.unit_s)
        for name, one in LOGS.items()
        if (folder / one.path).exists()
    }
