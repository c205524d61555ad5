"""Loads the demo's programs, which are no package, by their files."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

FUNCTIONS = Path(__file__).parents[2] / "functions"


def demo_module(name: str) -> ModuleType:
    spec = spec_from_file_location(f"demo_{name}", FUNCTIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
