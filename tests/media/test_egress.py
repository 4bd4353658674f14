"""Bursts on their way out: how they are cut into trains, in which order they leave, what a full backlog drops."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.media.egress import UDP_SEGMENT, Egress, trains_of
from expo.media.stats import EngineStats

sizes = st.lists(st.sampled_from([60, 400, 1190, 1191, 1200]), max_size=130)


@given(sizes)
def test_trains_carry_every_packet_once_in_order(sizes: list[int]) -> None:
    covered = [index for start, end, _ in trains_of(sizes) for index in range(start, end)]
    assert covered == list(range(len(sizes)))


@given(sizes)
def test_a_train_is_what_the_kernel_can_cut_back(sizes: list[int]) -> None:
    for start, end, ancillary in trains_of(sizes):
        cars = sizes[start:end]
        assert len(set(cars[:-1])) <= 1
        assert cars[-1] <= cars[0]
        assert sum(cars) <= 65_507
        assert len(cars) <= 64
        assert bool(ancillary) == (len(cars) > 1)


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(2)
        sender.setblocking(False)
        yield sender, receiver


def test_the_kernel_delivers_a_train_as_the_datagrams_it_stands_for(wire: tuple[socket.socket, socket.socket]) -> None:
    sender, receiver = wire
    cars = [bytes([number]) * 1190 for number in range(5)] + [b"tail"]
    ((start, end, ancillary),) = trains_of([len(car) for car in cars])
    sender.sendmsg(cars[start:end], ancillary, 0, receiver.getsockname())
    assert [receiver.recv(2048) for _ in cars] == cars
    assert ancillary[0][1] == UDP_SEGMENT


async def test_a_datagram_that_cannot_be_sent_is_counted_and_nothing_breaks() -> None:
    stats = EngineStats()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        egress = Egress(sender, asyncio.get_running_loop(), stats)
        egress.send_datagram(bytes(70_000), ("127.0.0.1", 9))
        egress.flush()
    assert stats.packets_dropped == 1
