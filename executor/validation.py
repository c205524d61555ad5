"""User files to validated models: whatever is wrong becomes one ``ConfigError``."""

from collections.abc import Hashable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from executor.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)
Location: TypeAlias = tuple[int | str, ...]

_WHOLE_FILE = "the file"


class _TextLoader(yaml.BaseLoader):
    """Leaves every scalar as text, so that the model alone says what it means.

    Thereby ``name: no`` stays a name. A key given twice and an alias are refused: the first hides
    a mistake, the second lets a small file grow without bound.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias is not allowed", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is given twice", node.start_mark
            )
        return mapping


def read_yaml(file: Path) -> object:
    """Read a YAML file into mappings, lists and text.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not YAML.
    """
    try:
        return _TextLoader(file.read_text(encoding="utf-8")).get_single_data()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(file, _WHOLE_FILE, reason, "a readable YAML file") from error
    except RecursionError as error:
        raise ConfigError(file, _WHOLE_FILE, "nested too deep", "a flat YAML file") from error


def validate(model: type[Model], data: object, file: Path) -> Model:
    """Check what was read from a file against a pydantic model.

    The description of a field is what the message says was expected.

    Raises
    ------
    ConfigError
        For the first thing that is wrong; for an unknown key it names the nearest valid one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise _explain(model, error, file) from error


def _explain(model: type[BaseModel], error: ValidationError, file: Path) -> ConfigError:
    details = min(error.errors(), key=_is_no_unknown_key)
    location = details["loc"]
    key = ".".join(map(str, location)) or _WHOLE_FILE
    value = None if details["type"] == "missing" else details["input"]
    return ConfigError(file, key, value, _expected(model, location, details))


def _is_no_unknown_key(details: ErrorDetails) -> bool:
    """Sort unknown keys first, since a key spelt wrongly is reported as missing too."""
    return details["type"] != "extra_forbidden"


def _expected(model: type[BaseModel], location: Location, details: ErrorDetails) -> str:
    if not location:
        return "a mapping of keys to values"
    if details["type"] == "extra_forbidden":
        return _nearest_key(_owner_of(model, location), str(location[-1]))
    field = _field_at(model, location)
    return (field and field.description) or details["msg"].removeprefix("Input should be ")


def _nearest_key(model: type[BaseModel], key: str) -> str:
    known = [field.alias or name for name, field in model.model_fields.items()]
    nearest = get_close_matches(key, known, n=1, cutoff=0.5)
    if nearest:
        return f"a known key; the nearest is {nearest[0]!r}"
    return f"a known key, one of {', '.join(known)}"


def _owner_of(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """Return the model in which the last key of a location was looked up."""
    for step in location[:-1]:
        field = model.model_fields.get(str(step))
        model = (field and _nested_model(field.annotation)) or model
    return model


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """Return the innermost field on the way to a location."""
    fields = (
        _owner_of(model, location[: end + 1]).model_fields.get(str(location[end]))
        for end in reversed(range(len(location)))
    )
    return next(filter(None, fields), None)


def _nested_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_nested_model, get_args(annotation))), None)
