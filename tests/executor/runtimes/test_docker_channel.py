"""The stream of a relay."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from executor.runtimes.docker.channel import Pieces


@given(st.lists(st.binary(max_size=40)), st.integers(1, 30))
def test_pieces_carry_what_was_put_in_however_they_are_cut(texts: list[bytes], size: int) -> None:
    stream = b"".join(struct.pack(">BxxxL", 1, len(text)) + text for text in texts)
    pieces = Pieces()
    cuts = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert b"".join(map(pieces.feed, cuts)) == b"".join(texts)
