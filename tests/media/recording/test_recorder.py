"""The recorder on a real room: its packets, its thread, its end."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from expo.errors import Conflict
from expo.media.codecs import packetize_h264, split_annex_b
from expo.media.peer import Peer
from expo.media.recording.reader import read_recording
from expo.media.recording.recorder import Recorder
from expo.media.recording.repair import verify
from expo.media.track import Track
from tests.support.encoded import pictures
from tests.support.room import Room, open_room
from tests.support.tape import FLOOR, PICTURE, sound_packet, units_of


class Presenter:
    """A real peer that publishes what was encoded before, and remembers it."""

    def __init__(self, peer: Peer, tracks: tuple[Track, ...]) -> None:
        self.tracks = tracks
        self.units: list[bytes] = []
        self.sounds: list[bytes] = []
        self._peer = peer
        self._pictures = [unit for unit, _ in pictures(60, 320, 180, noise=True)]
        self._position = 0
        self._began_us = time.time_ns() // 1000
        peer.on_key_frame_request = self._again

    def _again(self) -> None:
        self._position = 0

    async def run(self, frames: int) -> None:
        """So many pictures, 40 ms apart on the sender's clock, and sound without a hole."""
        for _ in range(frames):
            at_us = self._began_us + len(self.units) * 40_000
            await asyncio.sleep(max(0.0, at_us / 1e6 - time.time()))
            unit = self._pictures[self._position % len(self._pictures)]
            self._position += 1
            self._peer.send_frame("video", packetize_h264(unit), at_us)
            self.units.append(unit)
            for half in range(2):
                packet = sound_packet(len(self.sounds))
                self._peer.send_frame("audio", [packet], at_us + half * 20_000)
                self.sounds.append(packet)


async def presenting(room: Room) -> Presenter:
    source, publication = await room.publish()
    return Presenter(source.peer, publication.tracks)


def file_form(unit: bytes) -> bytes:
    units = [each for each in split_annex_b(unit) if each[0] & 31 not in (7, 8)]
    return b"".join(len(each).to_bytes(4, "big") + each for each in units)


async def opened(folder: Path, room: Room, token: int = 1) -> Recorder:
    return await Recorder.open(
        folder,
        "r1",
        token,
        feeds=room.router.feeds,
        clock=lambda: time.time_ns() // 1_000_000,
        on_trouble=lambda trouble: pytest.fail(str(trouble)),
        least_free_bytes=0,
    )


def recording_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("recorder.")]


@pytest.mark.media
async def test_what_a_peer_publishes_is_kept_to_the_byte_and_nothing_after_the_stop(tmp_path: Path) -> None:
    async with open_room() as room:
        presenter = await presenting(room)
        recorder = await opened(tmp_path / "r1", room)
        assert recording_threads() == ["recorder.r1"]
        await presenter.run(5)
        before = len(presenter.sounds)
        recorder.keep(presenter.tracks)
        await presenter.run(40)
        recorder.keep(())
        kept_units, kept_sounds = presenter.units[5:45], presenter.sounds[before:]
        await presenter.run(10)
        later_units, later_sounds = presenter.units[45:], presenter.sounds[before + len(kept_sounds) :]
        await recorder.close("over")
        await recorder.close("over")
        assert all(recorder not in feed.sinks for feed in room.router.feeds.values())
    assert recording_threads() == []
    assert verify(tmp_path / "r1") == []
    kept = read_recording(tmp_path / "r1")
    assert kept is not None
    assert kept.closed
    found = units_of(kept, tmp_path / "r1", PICTURE)
    wanted = [file_form(unit) for unit in kept_units]
    assert len(found) > 25
    assert any(found == wanted[start : start + len(found)] for start in range(len(wanted)))
    sound = units_of(kept, tmp_path / "r1", FLOOR)
    assert sum(packet in kept_sounds for packet in sound) > 50
    content = b"".join(path.read_bytes() for path in (tmp_path / "r1").iterdir())
    secret = {*later_sounds, *(file_form(unit) for unit in later_units)} - {*kept_sounds, *wanted}
    assert len(secret) >= 20
    assert not any(packet in content for packet in secret)
    health = recorder.health
    assert health.kept_ms == pytest.approx((kept.end_us - kept.start_us) // 1000, abs=60)
    assert (health.bytes, health.dropped, health.failing) == (kept.bytes, 0, None)
    assert abs(health.av_offset_ms) <= 40


@pytest.mark.media
async def test_a_stale_owner_is_refused_and_leaves_no_thread(tmp_path: Path) -> None:
    async with open_room() as room:
        newer = await opened(tmp_path / "r1", room, 20)
        with pytest.raises(Conflict, match="stale_token"):
            await opened(tmp_path / "r1", room, 3)
        await newer.close("over")
    assert recording_threads() == []
