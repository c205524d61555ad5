"""Errors of the planning core.

Solver errors::

    SolverError
    ├── InvalidProblem    the input breaks a rule; carries the offending name and value
    ├── InvalidPlan       a plan breaks the problem's rules; always a bug of the method
    ├── UnknownMethod     no method of that name
    └── MissingSolver     a third-party solver is not installed

A passed deadline is a status of the plan, not an error.
"""


class SolverError(Exception):
    """Base of every error raised by this package."""


class InvalidProblem(SolverError, ValueError):
    """The problem breaks a rule.

    Parameters
    ----------
    name
        The offending entry, such as ``function 'f3' host memory_bytes``.
    value
        Its value.
    expected
        What was expected instead.
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(name, value, expected)
        self.name = name
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        shown = repr(self.value)
        if len(shown) > 120:
            shown = f"{shown[:117]}..."
        return f"{self.name} is {shown}, expected {self.expected}"


class InvalidPlan(SolverError):
    """A plan breaks the rules of its problem, or states a wrong objective."""


class UnknownMethod(SolverError, ValueError):
    """There is no method of that name."""


class MissingSolver(SolverError, ImportError):
    """A third-party solver is not installed; the message names the extra to install."""
