import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.units import GIB, MIB, format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("512MiB", 512 * MIB), ("1.5 GiB", 3 * GIB // 2), ("2GB", 2 * 10**9), ("7", 7), (9, 9)],
)
def test_reads_sizes(text: str | int, size_bytes: int) -> None:
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["", "-1", "1 TiB", "many", "1.2.3 MiB", None])
def test_refuses_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_bytes(text)


@given(st.integers(0, 10**15))
def test_what_is_written_can_be_read(size_bytes: int) -> None:
    assert parse_bytes(format_bytes(size_bytes)) == pytest.approx(size_bytes, rel=0.06)
