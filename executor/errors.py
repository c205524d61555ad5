"""The one tree of exceptions.

::

    HeadstartError
    ├── ConfigError              the user's files: names file, key, value and what was expected
    ├── PlanRejected             a plan failed verification: always a bug
    ├── RuntimeFailure
    │   ├── TemporaryFailure     may succeed after ``retry_s``
    │   ├── InsufficientCapacity the worker or instance has no room
    │   └── PermanentFailure     will not succeed by trying again
    └── InvocationError
        ├── UnknownFunction      no such function, or it is disabled
        ├── Rejected             not taken now; try again after ``retry_s``
        │   └── Overloaded       since too many calls wait already
        ├── FunctionFailed       the function raised, crashed or answered rubbish
        ├── DeadlineExceeded     the call took longer than it may
        └── Cancelled            the caller went away

``solver.InvalidProblem`` stands apart, since the solver knows nothing of this package.
"""

from pathlib import Path


class HeadstartError(Exception):
    """Root of all errors that this package raises on purpose."""


class ConfigError(HeadstartError):
    """A user's file is wrong; the message names file, key, value and what was expected."""

    def __init__(self, file: Path | str, key: str, value: object, expected: str) -> None:
        super().__init__(f"{file}: {key} is {value!r}; expected {expected}")
        self.file = file
        self.key = key
        self.value = value
        self.expected = expected


class PlanRejected(HeadstartError):
    """A plan is infeasible or misstates its value."""


class RuntimeFailure(HeadstartError):
    """A runtime could not carry out an action."""


class TemporaryFailure(RuntimeFailure):
    """The action may succeed when tried again after ``retry_s`` seconds."""

    def __init__(self, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class InsufficientCapacity(RuntimeFailure):
    """There is no room for what was asked."""


class PermanentFailure(RuntimeFailure):
    """Trying again cannot help."""


class InvocationError(HeadstartError):
    """A call ended without an answer."""


class UnknownFunction(InvocationError):
    """No function of that name is enabled."""


class Rejected(InvocationError):
    """The call was not taken; ``retry_s`` says when to try again."""

    def __init__(self, message: str, retry_s: float) -> None:
        super().__init__(message)
        self.retry_s = retry_s


class Overloaded(Rejected):
    """The call was not taken since too many wait already."""


class FunctionFailed(InvocationError):
    """The function raised, crashed or answered with something that is not an answer."""


class DeadlineExceeded(InvocationError):
    """The call was stopped since it took longer than it may."""


class Cancelled(InvocationError):
    """The caller withdrew the call."""
