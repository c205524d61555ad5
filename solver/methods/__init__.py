"""The solution methods, each imported when it is first asked for."""

from importlib import import_module
from typing import Final, cast

from solver.errors import UnknownMethod
from solver.method import Method

METHODS: Final = {
    "auto": "solver.methods.auto:Auto",
    "price": "solver.methods.price:Price",
    "decomposed": "solver.methods.decomposed:Decomposed",
    "priority": "solver.methods.priority:Priority",
    "density": "solver.methods.density:Density",
    "cpsat": "solver.methods.cpsat:CpSat",
    "highs": "solver.methods.highs:Highs",
    "cbc": "solver.methods.cbc:Cbc",
}
"""Where the class of each method lives; it can be made without arguments."""
THREADED: Final = ("auto", "price")
"""Methods that take a number of threads."""


def load_method(name: str, threads: int = 1) -> Method:
    """Return the method of that name, with its default settings.

    Raises
    ------
    UnknownMethod
        Naming the known ones, or those that take several threads.
    MissingSolver
        When the method needs a third-party solver that is not installed.
    """
    if name not in METHODS:
        raise UnknownMethod(f"method is {name!r}, expected one of {', '.join(METHODS)}")
    if threads > 1 and name not in THREADED:
        raise UnknownMethod(
            f"method is {name!r}, expected one of {', '.join(THREADED)} for {threads} threads"
        )
    module, class_name = METHODS[name].split(":")
    options = {"threads": threads} if name in THREADED else {}
    return cast("Method", getattr(import_module(module), class_name)(**options))
