"""A recording without sockets and threads: publishers on paper, real Tracks and Feeds, and a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Literal, Protocol

from expo.media.clock_model import ClockModel
from expo.media.codecs import packetize_h264
from expo.media.feed import Feed, Source
from expo.media.recording.frames import PictureSink, SoundSink
from expo.media.recording.index import Kept, Part
from expo.media.recording.reader import read_recording
from expo.media.recording.writer import Cut, Item, Keep, Trouble, Writer
from expo.media.rtcp import ntp_time
from expo.media.rtp import RtpPacket
from expo.media.sdp_model import MediaPlan
from expo.media.stats import EngineStats
from expo.media.track import Track

EPOCH_MS = 1_800_000_000_000
# Far from the machine's own monotonic clock, so that nothing that is due by that one is due here.
BEGAN_US = 10**15
STEP_US = 250_000
SOUND_US = 20_000
PICTURE, FLOOR = "picture", "floor"
KINDS: dict[str, Literal["video", "audio"]] = {PICTURE: "video", FLOOR: "audio"}


def plan(kind: Literal["video", "audio"]) -> MediaPlan:
    video = kind == "video"
    return MediaPlan(
        kind=kind,
        mid=kind,
        codec="H264" if video else "opus",
        payload_type=96 if video else 111,
        clock_rate=90_000 if video else 48_000,
        rtx_payload_type=None,
        nack=False,
        pli=True,
        fir=False,
        remb=False,
        extensions={},
        ssrc=None,
        rtx_ssrc=None,
    )


class Place(Protocol):
    """What a publisher needs."""

    feeds: dict[str, Feed]
    agreed: list[Source]


class Tape:
    """One owner's recording of a picture and a floor. `now_us` moves only by `until`."""

    def __init__(self, folder: Path, token: int = 1, *, now_us: int = BEGAN_US, least_free_bytes: int = 0) -> None:
        self.folder = folder
        self.now_us = now_us
        self.clock_step_ms = 0
        self.room_clock: Callable[[], int] = self.wall_ms
        self.troubles: list[Trouble] = []
        self.items: list[Item] = []
        self.agreed: list[Source] = []
        """Whose pictures and sound are kept."""
        self.feeds = {PICTURE: Feed(PICTURE, "video", 90_000), FLOOR: Feed(FLOOR, "audio", 48_000)}
        self.sinks = (PictureSink(self.feeds[PICTURE], self._hand), SoundSink(self.feeds[FLOOR], self._hand))
        self.writer = Writer(
            folder,
            "r1",
            token,
            KINDS,
            clock=self.clock,
            tell=self.troubles.append,
            least_free_bytes=least_free_bytes,
        )
        self.writer.open(now_us)
        self._stepped_us = now_us

    def clock(self) -> int:
        return self.room_clock()

    def wall_ms(self) -> int:
        """What anybody may set."""
        return EPOCH_MS + (self.now_us - BEGAN_US) // 1000 + self.clock_step_ms

    def _hand(self, frame: Item) -> bool:
        self.items.append(frame)
        return True

    def keep(self, *who: str) -> None:
        self.items.append(Keep(on=True, who=who, at_us=self.now_us))
        for sink in self.sinks:
            sink.take_from(self.agreed)
            sink.start(self.now_us)

    def stop(self) -> None:
        for sink in self.sinks:
            sink.stop()
        self.items.append(Keep(on=False))

    def cut(self) -> None:
        self.items.append(Cut())
        self.feeds[PICTURE].request_key_frame()

    def until(self, now_us: int) -> None:
        """Time passes; the writer does its steps."""
        while self._stepped_us + STEP_US <= now_us:
            self._stepped_us += STEP_US
            self.now_us = self._stepped_us
            self._step()
        self.now_us = max(self.now_us, now_us)

    def close(self) -> Kept:
        self._step()
        self.writer.close("over", self.now_us)
        return self.kept()

    def kept(self) -> Kept:
        kept = read_recording(self.folder)
        assert kept is not None
        return kept

    def _step(self) -> None:
        items, self.items = self.items, []
        self.writer.step(items, self.now_us)


class Publisher:
    """A sender of encoded pictures and sound on a path with delays; `at_us` is when something was captured."""

    def __init__(
        self,
        place: Place,
        *,
        ssrc: int = 1,
        video_delay_us: int = 20_000,
        audio_delay_us: int = 20_000,
        drift_ppm: int = 0,
        jitter_us: int = 0,
        origin: int = 2**32 - 500_000,
    ) -> None:
        self.place = place
        self.wanted = False
        self.sent: list[tuple[int, bytes]] = []
        """What was captured when: access units in Annex B, Opus packets."""
        self.clock = ClockModel()
        self.tracks = {
            kind: Track(plan(kind), self.clock, self._ask, lambda: None, EngineStats()) for kind in KINDS.values()
        }
        self.ssrc = ssrc
        self.origin = origin
        self.delay_us = {"video": video_delay_us, "audio": audio_delay_us}
        self.drift_ppm = drift_ppm
        self.sequence = {"video": 65_500, "audio": 10}
        self.lose: Callable[[int], bool] = lambda _sequence: False
        self.again_us: Callable[[], int | None] = lambda: None
        """After how long a lost packet comes again, as RTX brings it back."""
        self._jitter_us = jitter_us
        self._random = Random(ssrc)
        self._late: list[tuple[int, Track, RtpPacket]] = []

    def _ask(self, _track: Track) -> bool:
        self.wanted = True
        return True

    def show(self, *, agreed: bool = True) -> None:
        if agreed:
            self.place.agreed += self.tracks.values()
        self.tracks["video"].show_on(self.place.feeds[PICTURE])
        self.tracks["audio"].show_on(self.place.feeds[FLOOR])

    def picture(self, unit: bytes, at_us: int, *, shown_us: int | None = None, max_payload: int = 1180) -> None:
        """One access unit, captured at `shown_us` if that is another time than that of its sending."""
        self._send("video", packetize_h264(unit, max_payload), at_us, at_us if shown_us is None else shown_us)
        self.sent.append((at_us, unit))

    def sound(self, packet: bytes, at_us: int) -> None:
        self._send("audio", [packet], at_us, at_us)
        self.sent.append((at_us, packet))

    def report(self, kind: Literal["video", "audio"], at_us: int) -> None:
        ntp = ntp_time(1_700_000_000 + self._own_us(at_us) / 1e6)
        self.clock.on_sender_report(kind, ntp, self._timestamp(kind, at_us))

    def _own_us(self, at_us: int) -> int:
        return at_us + (at_us - BEGAN_US) * self.drift_ppm // 1_000_000

    def _timestamp(self, kind: str, at_us: int) -> int:
        return (self.origin + self._own_us(at_us) * (90 if kind == "video" else 48) // 1000) & 0xFFFFFFFF

    def _send(self, kind: Literal["video", "audio"], payloads: Sequence[bytes], at_us: int, shown_us: int) -> None:
        self._bring_back(at_us)
        jitter_us = self._random.randint(0, self._jitter_us)
        for number, payload in enumerate(payloads):
            sequence = self.sequence[kind]
            self.sequence[kind] = (sequence + 1) & 0xFFFF
            marker = number == len(payloads) - 1
            arrival_us = at_us + self.delay_us[kind] + jitter_us + number * 100
            timestamp = self._timestamp(kind, shown_us)
            packet = RtpPacket(marker, 96, sequence, timestamp, self.ssrc, payload, None, arrival_us)
            if not self.lose(sequence):
                self.tracks[kind].ingest(packet)
            elif (again_us := self.again_us()) is not None:
                packet.arrival_us += again_us
                self._late.append((at_us + again_us, self.tracks[kind], packet))

    def _bring_back(self, now_us: int) -> None:
        for late in [late for late in self._late if late[0] <= now_us]:
            self._late.remove(late)
            _, track, packet = late
            track.ingest(packet, recovered=True)


class Show:
    """Plays encoded pictures round and round, and sound, into publishers; a wanted key frame comes with the next."""

    def __init__(self, tape: Tape, publisher: Publisher, pictures: Sequence[tuple[bytes, bool]]) -> None:
        self.tape = tape
        self.publisher = publisher
        self.pictures = pictures
        self.fps = 25
        self.at_us = tape.now_us
        self.answers_pli = True
        self.position = 0
        self.with_picture = True
        self.with_sound = True
        self.frames = 0
        self.reports = False

    def run(self, seconds: float) -> None:
        """Whole 40 ms; the tape's time goes along."""
        for _ in range(round(seconds * self.fps)):
            self.tape.until(self.at_us)
            self.publisher.tracks["video"].tick(self.at_us)
            if self.with_picture:
                if self.publisher.wanted and self.answers_pli:
                    self.publisher.wanted = False
                    self.position = 0
                unit, _ = self.pictures[self.position % len(self.pictures)]
                self.publisher.picture(unit, self.at_us)
                self.position += 1
            if self.with_sound:
                for half in range(2):
                    self.publisher.sound(sound_packet(self.frames * 2 + half), self.at_us + half * SOUND_US)
            if self.reports and self.frames % self.fps == 7:
                self.publisher.report("video", self.at_us)
                self.publisher.report("audio", self.at_us)
            self.frames += 1
            self.at_us += 1_000_000 // self.fps
        self.tape.until(self.at_us)


def sound_packet(number: int) -> bytes:
    """20 ms by its first byte (CELT, full band, stereo); for a decoder it is noise."""
    return b"\xfc" + number.to_bytes(4, "big") + bytes(100)


def units_of(kept: Kept, folder: Path, rendition: str) -> list[bytes]:
    """The samples of a rendition, in decoding order, found by walking its boxes."""
    found: list[bytes] = []
    for each in kept.renditions:
        if each.name == rendition:
            for segment in each.segments:
                for part in segment.parts:
                    found += [sample.data for sample in samples_of(folder, part)]
    return found


class Sample:
    """As it stands in a fragment; times in ticks."""

    def __init__(self, dts: int, duration: int, offset: int, flags: int, data: bytes) -> None:
        self.dts, self.duration, self.offset, self.flags, self.data = dts, duration, offset, flags, data


def boxes_of(content: bytes) -> list[tuple[str, bytes]]:
    """An own walk, which shares nothing with the product."""
    found: list[tuple[str, bytes]] = []
    at = 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        assert 8 <= size <= len(content) - at, "a box that does not fit"
        found.append((content[at + 4 : at + 8].decode("latin-1"), content[at + 8 : at + size]))
        at += size
    return found


def samples_of(folder: Path, part: Part) -> list[Sample]:
    """What a part says and holds, checked against itself: moof and mdat, one run, and every byte used."""
    with (folder / part.span.file).open("rb") as file:
        file.seek(part.span.offset)
        content = file.read(part.span.length)
    (moof_name, moof), (mdat_name, mdat) = boxes_of(content)
    assert (moof_name, mdat_name) == ("moof", "mdat")
    (_, _), (_, traf) = boxes_of(moof)
    (_, tfhd), (_, tfdt), (_, trun) = boxes_of(traf)
    assert tfhd[:4] == b"\0\2\0\0"
    dts = int.from_bytes(tfdt[4:12], "big")
    flags, count = int.from_bytes(trun[1:4], "big"), int.from_bytes(trun[4:8], "big")
    assert int.from_bytes(trun[8:12], "big") == len(moof) + 16
    at, place = 12, 0
    samples: list[Sample] = []
    for _ in range(count):
        duration, size = int.from_bytes(trun[at : at + 4], "big"), int.from_bytes(trun[at + 4 : at + 8], "big")
        at += 8
        sample_flags = offset = 0
        if flags & 0x400:
            sample_flags = int.from_bytes(trun[at : at + 4], "big")
            at += 4
        if flags & 0x800:
            offset = int.from_bytes(trun[at : at + 4], "big", signed=True)
            at += 4
        samples.append(Sample(dts, duration, offset, sample_flags, mdat[place : place + size]))
        dts += duration
        place += size
    assert place == len(mdat)
    assert at == len(trun)
    return samples
