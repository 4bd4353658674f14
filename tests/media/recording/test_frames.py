from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.codecs import packetize_h264, split_annex_b
from expo.media.feed import Feed
from expo.media.recording.frames import Frame, PictureSink, SoundSink, nal_units, opus_ticks
from expo.media.rtp import RtpPacket
from tests.support.lossy import delivered

KEY, DELTA = 0x65, 0x61


class Camera:
    """A Feed's source with a clock that is its timestamps."""

    def __init__(self, clock_rate: int = 90_000) -> None:
        self.clock_rate = clock_rate
        self.asked = 0

    def request_key_frame(self) -> None:
        self.asked += 1

    def hidden(self, feed: Feed) -> None: ...

    def server_us(self, timestamp: int) -> int:
        return timestamp * 1_000_000 // self.clock_rate


def unit(number: int, *, key: bool, size: int) -> bytes:
    """An access unit in Annex B of one slice that says which one it is."""
    body = number.to_bytes(4, "big").replace(b"\0", b"\x80") + b"\xaa" * size
    return b"\0\0\1" + bytes([KEY if key else DELTA, 0x80]) + body


def packets(units: list[bytes]) -> list[RtpPacket]:
    found: list[RtpPacket] = []
    for number, each in enumerate(units):
        payloads = packetize_h264(each)
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            sequence = 65_530 + len(found) & 0xFFFF
            found.append(RtpPacket(marker, 96, sequence, 3000 * number, 1, payload, None, 33_333 * number))
    return found


def taken(arriving: list[RtpPacket]) -> tuple[list[Frame], Camera]:
    feed, camera, frames = Feed("picture", "video", 90_000), Camera(), list[Frame]()
    feed.point(camera)

    def hand(frame: Frame) -> bool:
        if frame.payloads:
            frames.append(frame)
        return True

    sink = PictureSink(feed, hand)
    sink.take_from((camera,))
    sink.start(0)
    for packet in arriving:
        feed.push(camera, packet, key_frame=packet.payload[0] & 31 == 5 or packet.payload[1] == 0x85)
    return frames, camera


@given(st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=6), st.integers(40, 1400))
def test_what_is_packetised_comes_out_again(bodies: list[bytes], room: int) -> None:
    units = [bytes([DELTA]) + body.replace(b"\0", b"\1") for body in bodies]
    assert nal_units(packetize_h264(b"".join(b"\0\0\1" + each for each in units), room)) == units


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_payloads_are_units_or_refused(payloads: list[bytes]) -> None:
    for found in nal_units(payloads) or []:
        assert found


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.floats(0, 0.15), st.floats(0, 0.3))
def test_frames_are_exact_or_a_loss_is_reported(seed: int, loss: float, late: float) -> None:
    random = Random(seed)
    units = [unit(n, key=n % 10 == 0, size=random.choice((20, 900, 4000))) for n in range(60)]
    sent = packets(units)
    order = list(delivered(len(sent), random, loss=loss, late=late, twice=0.05, reach=6))
    frames, camera = taken([sent[index] for index in order])
    sent_units = [split_annex_b(each) for each in units]
    following = 0
    for frame in frames:
        number = round(frame.captured_us / 33_333)
        assert nal_units(frame.payloads) == sent_units[number]
        if number != following:
            assert frame.missing == "lost" or not following
            assert frame.key
        following = number + 1
    if len(set(order)) == len(sent) and order[0] == 0:
        assert len(frames) >= 59  # all but what still waits for the end of its reordering
    if following and following < 45:  # what is lost later is still waited for at the end
        assert camera.asked > 1


def test_a_frame_that_finds_no_room_loses_up_to_the_next_key_frame() -> None:
    feed, camera, frames = Feed("picture", "video", 90_000), Camera(), list[Frame]()
    feed.point(camera)
    full = False

    def hand(frame: Frame) -> bool:
        if not full:
            frames.append(frame)
        return not full

    sink = PictureSink(feed, hand)
    sink.take_from((camera,))
    sink.start(0)
    for number, packet in enumerate(packets([unit(n, key=n in (0, 8), size=20) for n in range(10)])):
        full = number == 3
        feed.push(camera, packet, key_frame=packet.payload[0] & 31 == 5)
    assert [(round(frame.captured_us / 33_333), frame.missing) for frame in frames] == [
        *((n, "") for n in range(3)),
        (8, "queue"),
        (9, ""),
    ]


def test_nothing_from_before_the_stop_comes_after_the_next_start() -> None:
    feed, camera, frames = Feed("floor", "audio", 48_000), Camera(48_000), list[Frame]()
    feed.point(camera)

    def hand(frame: Frame) -> bool:
        frames.append(frame)
        return True

    sink = SoundSink(feed, hand)
    sink.take_from((camera,))
    sink.start(0)
    sound = [RtpPacket(False, 111, n, 960 * n, 1, b"\xfc%d" % n, None, 20_000 * n) for n in range(9)]
    for number in (0, 2, 3):  # 2 and 3 wait for 1
        feed.push(camera, sound[number], key_frame=False)
    sink.stop()
    feed.push(camera, sound[4], key_frame=False)
    sink.start(80_000)
    for number in (1, 5, 6):
        feed.push(camera, sound[number], key_frame=False)
    assert [frame.payloads[0] for frame in frames] == [b"\xfc0", b"\xfc5", b"\xfc6"]


@pytest.mark.parametrize(
    ("packet", "ticks"),
    [
        (b"\x00a", 480),
        (b"\x18a", 2880),
        (b"\x60a", 480),
        (b"\x80a", 120),
        (b"\xf8a", 960),
        (b"\xfcaa", 960),
        (b"\xf9aa", 1920),
        (b"\xfb\x03", 2880),
        (b"\x1b\x03", None),
        (b"\xfb", None),
        (b"", None),
    ],
)
def test_an_opus_packet_says_how_long_it_is(packet: bytes, ticks: int | None) -> None:
    assert opus_ticks(packet) == ticks


def test_of_a_feed_that_changes_hands_only_what_comes_from_the_agreed_is_taken() -> None:
    feed, before, after, frames = Feed("picture", "video", 90_000), Camera(), Camera(), list[Frame]()

    def hand(frame: Frame) -> bool:
        frames.append(frame)
        return True

    sink = PictureSink(feed, hand)
    sink.take_from((after,))
    sink.start(0)
    feed.point(before)
    sent = packets([unit(n, key=n in (0, 3, 5), size=20) for n in range(8)])
    for number, packet in enumerate(sent):
        if number == 2:
            feed.point(after)  # the Feed holds the old Track until the new one's key frame, and this one sends its own
        feed.push(before if number < 5 else after, packet, key_frame=packet.payload[0] & 31 == 5)
        if number == 6:
            sink.take_from(())
    assert [frame.payloads for frame in frames] == [[packet.payload] for packet in sent[5:7]]
