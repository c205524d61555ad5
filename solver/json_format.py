"""Problem and plan as JSON, version 1."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from solver.builder import Mode, ProblemBuilder
from solver.errors import InvalidProblem
from solver.explain import Explanation
from solver.pairs import Rows
from solver.plan import Plan
from solver.problem import TIERS, Problem, Tier

VERSION = 1
_MOST_RANKS = 1024

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Mode(_Row):
    tier: Tier
    memory_bytes: int
    gpu_memory_bytes: int = 0
    saving_s: Number
    load_cost_s: Number


class _Function(_Row):
    name: str
    owner: str
    copies: list[Number] = Field(max_length=_MOST_RANKS)
    library: str | None = None
    modes: list[_Mode]


class _Library(_Row):
    name: str
    memory_bytes: int


class _Instance(_Row):
    name: str
    owner: str
    free_memory_bytes: int
    gpu: str | None = None
    survival: Number = 1.0


class _Gpu(_Row):
    name: str
    free_memory_bytes: int


class _Pair(_Row):
    function: str
    instance: str
    tier: Tier


class _LoadCost(_Pair):
    load_cost_s: Number


class _Document(_Row):
    version: Literal[1]
    functions: list[_Function]
    libraries: list[_Library] = []
    instances: list[_Instance]
    gpus: list[_Gpu] = []
    held: list[_Pair] = []
    pinned: list[_Pair] = []
    forbidden: list[_Pair] = []
    load_costs: list[_LoadCost] = []


def parse_problem(text: bytes) -> Problem:
    """Read a problem from JSON.

    Raises
    ------
    InvalidProblem
        When the text is no JSON, has unknown, missing or ill-typed keys, or breaks a rule.
    """
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as error:
        raise _readable(error) from None
    return _build(document)


def format_problem(problem: Problem) -> bytes:
    """Write a problem as JSON.

    Raises
    ------
    InvalidProblem
        When a function has two modes of one tier, which JSON cannot tell apart.
    """
    return orjson.dumps(_problem_document(problem), option=orjson.OPT_INDENT_2)


def format_plan(plan: Plan, explanations: Sequence[Explanation] = ()) -> bytes:
    """Write a plan as JSON; an unknown bound and gap are null."""
    problem = plan.problem
    document = {
        "version": VERSION,
        "status": plan.status,
        "objective": plan.objective,
        "bound": _finite(plan.bound),
        "gap": _finite(plan.gap),
        "solve_s": plan.solve_s,
        "method": plan.method,
        "placements": _pairs(problem, plan.pairs),
        "loads": _pairs(problem, plan.loads),
        "offloads": _pairs(problem, plan.offloads),
        "unplaced": [
            {"function": problem.function_names[function], "reason": reason}
            for function, reason in plan.unplaced
        ],
        "explanations": [_explanation(explanation) for explanation in explanations],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _explanation(explanation: Explanation) -> dict[str, Any]:
    options = [asdict(option) | {"short_s": option.short_s} for option in explanation.options]
    return asdict(explanation) | {"options": options}


def _readable(error: ValidationError) -> InvalidProblem:
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"])) or "JSON"
    return InvalidProblem(name, first["input"], first["msg"])


def _build(document: _Document) -> Problem:
    builder = ProblemBuilder()
    for library in document.libraries:
        builder.add_library(library.name, library.memory_bytes)
    for gpu in document.gpus:
        builder.add_gpu(gpu.name, gpu.free_memory_bytes)
    for function in document.functions:
        modes = [Mode(**mode.model_dump()) for mode in function.modes]
        builder.add_function(
            function.name, function.owner, function.copies, modes, function.library
        )
    for instance in document.instances:
        builder.add_instance(**instance.model_dump())
    for pair in document.held:
        builder.hold(pair.function, pair.instance, pair.tier)
    for pair in document.pinned:
        builder.pin(pair.function, pair.instance, pair.tier)
    for pair in document.forbidden:
        builder.forbid(pair.function, pair.instance, pair.tier)
    for cost in document.load_costs:
        builder.set_load_cost(**cost.model_dump())
    return builder.build()


def _problem_document(problem: Problem) -> dict[str, Any]:
    costs = _pairs(problem, problem.load_cost_pairs)
    return {
        "version": VERSION,
        "functions": [_function(problem, index) for index in range(problem.n_functions)],
        "libraries": [
            {"name": name, "memory_bytes": memory}
            for name, memory in zip(
                problem.library_names, problem.library_memory_bytes.tolist(), strict=True
            )
        ],
        "instances": [_instance(problem, index) for index in range(problem.n_instances)],
        "gpus": [
            {"name": name, "free_memory_bytes": free}
            for name, free in zip(
                problem.gpu_names, problem.gpu_free_memory_bytes.tolist(), strict=True
            )
        ],
        "held": _pairs(problem, problem.held),
        "pinned": _pairs(problem, problem.pinned),
        "forbidden": _pairs(problem, problem.forbidden),
        "load_costs": [
            pair | {"load_cost_s": cost}
            for pair, cost in zip(costs, problem.load_cost_s.tolist(), strict=True)
        ],
    }


def _function(problem: Problem, index: int) -> dict[str, Any]:
    library = int(problem.function_library[index])
    modes = range(problem.mode_start[index], problem.mode_start[index + 1])
    name = problem.function_names[index]
    if len({int(problem.mode_tier[mode]) for mode in modes}) < len(modes):
        raise InvalidProblem(f"modes of function {name!r}", len(modes), "one of each tier in JSON")
    return {
        "name": name,
        "owner": problem.owner_names[problem.function_owner[index]],
        "copies": problem.copies[index].tolist(),
        "library": None if library < 0 else problem.library_names[library],
        "modes": [_mode(problem, mode) for mode in modes],
    }


def _mode(problem: Problem, mode: int) -> dict[str, Any]:
    return {
        "tier": TIERS[problem.mode_tier[mode]],
        "memory_bytes": int(problem.mode_memory_bytes[mode]),
        "gpu_memory_bytes": int(problem.mode_gpu_memory_bytes[mode]),
        "saving_s": float(problem.mode_saving_s[mode]),
        "load_cost_s": float(problem.mode_load_cost_s[mode]),
    }


def _instance(problem: Problem, index: int) -> dict[str, Any]:
    gpu = int(problem.instance_gpu[index])
    return {
        "name": problem.instance_names[index],
        "owner": problem.owner_names[problem.instance_owner[index]],
        "free_memory_bytes": int(problem.instance_free_memory_bytes[index]),
        "gpu": None if gpu < 0 else problem.gpu_names[gpu],
        "survival": float(problem.instance_survival[index]),
    }


def _pairs(problem: Problem, rows: Rows) -> list[dict[str, Any]]:
    return [
        {
            "function": problem.function_names[problem.mode_function[mode]],
            "instance": problem.instance_names[instance],
            "tier": TIERS[problem.mode_tier[mode]],
        }
        for mode, instance in rows.tolist()
    ]


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
