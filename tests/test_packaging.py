"""What is imported where, and who owns which name."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("solver", "predictors", "executor", "bench")

HOMES = {
    "ortools": ("solver/methods/cpsat.py",),
    "highspy": ("solver/methods/highs.py",),
    "pulp": ("solver/methods/cbc.py",),
    "statsmodels": ("predictors/keepalive",),
    "torch": ("bench", "executor/proxy/sdk"),
    "docker": ("executor/runtimes/docker",),
    "pynvml": ("executor/gpu",),
    "starlette": ("executor/gateway",),
    "uvicorn": ("executor/gateway",),
    "prometheus_client": ("executor/gateway", "executor/server.py", "bench/gateway"),
    "matplotlib": ("bench/report",),
    "typer": ("executor/cli.py", "executor/models_command.py", "executor/plan_command.py", "bench"),
}
"""Where a third-party package may be imported: files, or folders by their beginning."""


def imports(file: Path) -> Iterator[str]:
    """Yield the top-level names that a module imports, wherever it does so."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", HOMES)
def test_a_third_party_package_is_imported_at_home_only(package: str) -> None:
    importers = {
        file.relative_to(ROOT).as_posix()
        for folder in PACKAGES
        for file in (ROOT / folder).rglob("*.py")
        if package in imports(file)
    }
    assert {one for one in importers if not one.startswith(HOMES[package])} == set()


def test_the_manager_needs_the_standard_library_alone() -> None:
    found = {name for file in (ROOT / "executor" / "proxy").rglob("*.py") for name in imports(file)}
    assert found - sys.stdlib_module_names <= {"headstart", "numpy", "safetensors", "torch"}, (
        "the others only where a function brings them"
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_each_of_our_names_has_one_owner(name: str) -> None:
    assert set(packages_distributions().get(name, ["headstart"])) == {"headstart"}
