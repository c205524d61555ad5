import socket
import struct
from collections.abc import Iterator

import numpy as np
import pytest

from solver.worker.channel import Channel, ChannelBroken


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        yield Channel(mine), theirs


def test_messages_come_through_in_order(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    other = Channel(theirs)
    other.send({"a": 1})
    other.send(np.arange(1000))
    assert channel.receive(5) == {"a": 1}
    assert channel.receive(5).sum() == 499500


def test_half_a_message_is_kept_until_the_rest_comes(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    left, right = socket.socketpair()
    with left, right:
        Channel(left).send("hello")
        whole = right.recv(1000)
    theirs.send(whole[:10])
    with pytest.raises(TimeoutError):
        channel.receive(0)
    theirs.send(whole[10:])
    assert channel.receive(5) == "hello"


def test_other_side_has_ended(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.close()
    with pytest.raises(ChannelBroken, match="the other side has ended"):
        channel.receive(5)


def test_what_is_no_message(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.send(struct.pack("!Q", 3) + b"abc")
    with pytest.raises(ChannelBroken, match="no message"):
        channel.receive(5)


def test_message_that_nobody_takes(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    with pytest.raises(ChannelBroken, match="nothing can be sent"):
        channel.send(bytes(2**24), limit_s=0.01)
