"""What is wrong in a YAML file is one error that names file, key, value and expectation."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from executor.errors import ConfigError
from executor.validation import read_yaml, validate

FILE = Path("garden.yaml")


class Plant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    species: str
    height_cm: float = Field(default=1.0, gt=0, description="a height above 0 cm")


class Garden(BaseModel):
    model_config = ConfigDict(extra="forbid")

    owner: str = Field(description="the name of a person")
    beds: dict[str, list[Plant]] = Field({}, description="a mapping of beds to plants")
    favourite: Plant | None = None


def error_of(data: object) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        validate(Garden, data, FILE)
    return caught.value


def test_what_is_right_is_returned() -> None:
    garden = validate(Garden, {"owner": "Ada", "beds": {"a": [{"species": "oak"}]}}, FILE)
    assert garden.beds["a"] == [Plant(species="oak")]


def test_an_unknown_key_names_the_nearest() -> None:
    error = error_of({"owner": "Ada", "favorite": {}})
    assert str(error) == (
        "garden.yaml: favorite is {}; expected a known key; the nearest is 'favourite'"
    )


def test_an_unknown_key_that_resembles_none_is_answered_with_all() -> None:
    assert "one of owner, beds, favourite" in error_of({"owner": "Ada", "xyz": 1}).expected


def test_a_key_spelt_wrongly_comes_before_the_one_then_missing() -> None:
    assert "'owner'" in error_of({"ownr": "Ada"}).expected


def test_a_missing_key_has_no_value() -> None:
    error = error_of({})
    assert (error.key, error.value, error.expected) == ("owner", None, "the name of a person")


@pytest.mark.parametrize(
    ("entry", "key", "expected"),
    [
        ({"specis": "oak"}, "beds.a.1.specis", "'species'"),
        ({"species": "oak", "height_cm": -1}, "beds.a.1.height_cm", "above 0 cm"),
        ({"species": []}, "beds.a.1.species", "a valid string"),
        ({}, "beds.a.1.species", "required"),
        (3, "beds.a.1", "mapping of beds"),
    ],
)
def test_a_mistake_deep_inside_has_its_path(entry: object, key: str, expected: str) -> None:
    error = error_of({"owner": "Ada", "beds": {"a": [{"species": "ash"}, entry]}})
    assert error.key == key
    assert expected in error.expected


def test_the_nearest_key_is_sought_where_the_key_stands() -> None:
    assert "'species'" in error_of({"owner": "Ada", "favourite": {"specie": "oak"}}).expected


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_mapping_is_refused(data: object) -> None:
    error = error_of(data)
    assert (error.key, error.expected) == ("the file", "a mapping of keys to values")


def test_every_scalar_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("{a: no, b: 1:30, c: 2024-01-01, d: [1.50, ~]}")
    assert read_yaml(file) == {"a": "no", "b": "1:30", "c": "2024-01-01", "d": ["1.50", "~"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("owner: [", "flow node"),
        ("owner: a\nowner: b\n", "given twice"),
        ("a: &x 1\nb: *x\n", "alias"),
        ("\x07", "special characters"),
        ("? [a]\n: b\n", "unhashable"),
        ("[" * 5000, "too deep"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, text: str, value: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_yaml(file)
    assert value in str(caught.value.value)


def test_a_file_that_is_not_utf8_or_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(file)
    file.write_bytes(b"owner: \xff")
    with pytest.raises(ConfigError, match="utf-8"):
        read_yaml(file)


@given(text=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        data = read_yaml(file)
    except ConfigError:
        return
    assert data is None or isinstance(data, (str, list, dict))
