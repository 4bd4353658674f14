"""What a show becomes in the files, with a clock of its own: no sockets, no threads, no waiting."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random

import av
import pytest

from expo.clock import SteadyClock
from expo.errors import Conflict
from expo.media.codecs import split_annex_b
from expo.media.recording.frames import Frame
from expo.media.recording.index import Kept, MediaSegment, Rendition
from expo.media.recording.repair import verify
from expo.media.recording.sound_track import SILENCE, SoundTrack
from expo.media.recording.timeline import PartPiece
from expo.media.recording.writer import Keep
from tests.support.encoded import pictures, shown_order
from tests.support.tape import (
    BEGAN_US,
    EPOCH_MS,
    FLOOR,
    PICTURE,
    SOUND_US,
    Publisher,
    Show,
    Tape,
    samples_of,
    sound_packet,
    units_of,
)

S = 1_000_000


@pytest.fixture
def folder() -> Generator[Path]:
    """In memory: minutes of a show are synced to it in a second."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


@pytest.fixture
def tape(folder: Path) -> Tape:
    return Tape(folder)


def on_air(tape: Tape, units: Sequence[tuple[bytes, bool]] | None = None, **publisher: int) -> Show:
    """A show whose publisher is on picture and floor, and kept from now on."""
    sender = Publisher(tape, **publisher)
    sender.show()
    tape.keep()
    return Show(tape, sender, units or pictures())


def proved(tape: Tape) -> Kept:
    """The closed recording, after its files were walked through by the product and by the test."""
    kept = tape.close()
    assert verify(tape.folder) == []
    for each in kept.renditions:
        timescale = 90_000 if each.kind == "video" else 48_000
        for segment in each.segments:
            for part in segment.parts:
                samples = samples_of(tape.folder, part)
                end = samples[-1].dts + samples[-1].duration
                assert part.start_us == samples[0].dts * S // timescale
                assert part.start_us + part.duration_us == end * S // timescale
            if each.kind == "video":
                first = samples_of(tape.folder, segment.parts[0])[0]
                assert [unit[4] & 31 for unit in [first.data]] in ([5], [6], [9])
                assert first.flags == 0x02000000
                assert segment.parts[0].independent
    return kept


def rendition(kept: Kept, name: str) -> Rendition:
    return next(each for each in kept.renditions if each.name == name)


def published(unit: bytes) -> bytes:
    """An access unit as it stands in a file: lengths, and no parameter sets."""
    kept = [each for each in split_annex_b(unit) if each[0] & 31 not in (7, 8)]
    return b"".join(len(each).to_bytes(4, "big") + each for each in kept)


def breaks(segments: Sequence[MediaSegment]) -> list[int]:
    return [round(each.start_us / S) for each in segments if each.discontinuity]


def decoded(tape: Tape, token: int = 1) -> list[float]:
    """The times (s) at which a player shows pictures."""
    with av.open(str(tape.folder / f"picture-{token}.mp4")) as file:
        return [float(frame.time) for frame in file.decode(video=0)]


def test_every_access_unit_and_packet_is_kept_as_it_was_published(tape: Tape) -> None:
    show = on_air(tape)
    show.run(7)
    kept = proved(tape)
    video = [published(unit) for _, unit in show.publisher.sent if unit[0] == 0]
    audio = [packet for _, packet in show.publisher.sent if packet[0]]
    assert units_of(kept, tape.folder, PICTURE) == video
    assert units_of(kept, tape.folder, FLOOR) == audio
    picture, floor = rendition(kept, PICTURE), rendition(kept, FLOOR)
    assert [round(each.duration_us / S, 1) for each in picture.segments] == [2.0, 2.0, 2.0, 0.9]
    assert [each.start_us for each in floor.segments] == [each.start_us for each in picture.segments]
    assert breaks(picture.segments) == breaks(floor.segments) == []
    assert max(part.duration_us for segment in picture.segments for part in segment.parts) < 0.6 * S
    assert kept.end_us - kept.start_us == pytest.approx(7 * S, abs=40_000)
    assert kept.at_ms(kept.start_us) == EPOCH_MS + kept.start_us // 1000
    assert (tape.writer.dropped, tape.writer.kept_ms) == (0, pytest.approx(7000, abs=40))
    assert len(decoded(tape)) == 175


def test_a_picture_that_changes_its_size_ten_times_begins_anew_in_all_renditions(tape: Tape) -> None:
    show = on_air(tape)
    sizes = [(160, 96), (96, 160), (128, 64), (320, 180), (96, 96)] * 2
    for size in sizes:
        show.pictures, show.position = pictures(30, *size), 0
        show.run(1)
    kept = proved(tape)
    picture, floor = rendition(kept, PICTURE), rendition(kept, FLOOR)
    assert [(init.width, init.height) for init in picture.inits] == sizes
    assert breaks(picture.segments) == breaks(floor.segments) == list(range(1, 10))
    for ours, theirs in zip(picture.segments, floor.segments, strict=True):
        assert abs(ours.start_us - theirs.start_us) <= 20_000
    assert len(units_of(kept, tape.folder, PICTURE)) == 250
    for init, segment in zip(picture.inits, picture.segments, strict=True):
        content = (tape.folder / init.span.file).read_bytes()
        alone = tape.folder / "alone.mp4"
        spans = (init.span, segment.span)
        alone.write_bytes(b"".join(content[span.offset : span.offset + span.length] for span in spans))
        with av.open(str(alone)) as file:
            frames = list(file.decode(video=0))
        alone.unlink()
        assert {(frame.width, frame.height) for frame in frames} == {(init.width, init.height)}
        assert len(frames) == 25


def test_another_presenter_with_equal_parameters_is_no_break_and_one_with_others_is(tape: Tape) -> None:
    show = on_air(tape)
    show.run(3)
    for number, units in enumerate((pictures(), pictures(30, 128, 64))):
        show.publisher = Publisher(tape, ssrc=number + 2, origin=number * 7_000_000, video_delay_us=60_000)
        show.publisher.show()
        show.pictures = units
        show.run(3)
    kept = proved(tape)
    for each in kept.renditions:
        assert breaks(each.segments) == [6]
    assert [init.width for init in rendition(kept, PICTURE).inits] == [160, 128]
    assert kept.end_us == pytest.approx(9 * S, abs=80_000)


def test_an_encoder_that_starts_again_with_another_ssrc_goes_on(tape: Tape) -> None:
    show = on_air(tape)
    show.run(2)
    again = show.publisher
    again.ssrc, again.sequence["video"], again.sequence["audio"], again.origin = 77, 4000, 9000, 123
    show.at_us += S // 2
    show.pictures, show.position = pictures(30, 128, 64), 0
    show.run(2)
    kept = proved(tape)
    assert [init.width for init in rendition(kept, PICTURE).inits] == [160, 128]
    assert kept.end_us == pytest.approx(4.5 * S, abs=60_000)
    assert abs(rendition(kept, FLOOR).segments[-1].end_us - kept.end_us) < 60_000


@pytest.mark.parametrize("profile", ["main", "high"])
def test_b_frames_are_shown_when_they_were_captured(tape: Tape, profile: str) -> None:
    units = pictures(50, b_frames=2, profile=profile, key=25)
    order = [number + begin for begin in (0, 25) for number in shown_order(25, 2)]
    sender = Publisher(tape)
    sender.show()
    tape.keep()
    for number, (unit, _) in enumerate(units):
        at_us = BEGAN_US + (number + 3) * 40_000
        sender.picture(unit, at_us, shown_us=BEGAN_US + order[number] * 40_000)
        tape.until(at_us)
    kept = proved(tape)
    assert units_of(kept, tape.folder, PICTURE) == [published(unit) for unit, _ in units]
    times = decoded(tape)
    assert [after - before for before, after in pairwise(times)] == pytest.approx([0.04] * 49, abs=0.002)
    parts = [part for segment in rendition(kept, PICTURE).segments for part in segment.parts]
    decoding = [sample.dts / 90_000 for part in parts for sample in samples_of(tape.folder, part)]
    assert [after - before for before, after in pairwise(decoding)] == pytest.approx([0.04] * 49, abs=0.002)


def test_ten_percent_loss_leaves_whole_pictures_and_says_what_is_missing(tape: Tape) -> None:
    show = on_air(tape)
    random = Random(7)
    show.publisher.lose = lambda _sequence: random.random() < 0.1
    show.run(10)
    kept = proved(tape)
    sent = {published(unit) for _, unit in show.publisher.sent if unit[0] == 0}
    units = units_of(kept, tape.folder, PICTURE)
    assert len(units) > 40
    assert set(units) <= sent
    assert sum(gap.reason == "lost" for gap in kept.gaps) > 5
    assert rendition(kept, FLOOR).segments[-1].end_us == pytest.approx(10 * S, abs=0.5 * S)
    assert SILENCE in units_of(kept, tape.folder, FLOOR)


def test_timestamps_that_jump_do_not_move_the_recording(tape: Tape) -> None:
    show = on_air(tape)
    for jump in (90_000 * 3600, -90_000 * 1800, 1 << 31):
        show.run(2)
        show.publisher.origin += jump
    show.run(2)
    kept = proved(tape)
    for each in kept.renditions:
        assert each.segments[-1].end_us == pytest.approx(8 * S, abs=0.4 * S)
        assert breaks(each.segments) == []


def test_sound_alone_is_kept_and_a_picture_may_follow(tape: Tape) -> None:
    show = on_air(tape)
    show.with_picture = False
    show.run(5)
    show.with_picture = True
    show.run(3)
    kept = proved(tape)
    floor = rendition(kept, FLOOR)
    assert floor.segments[0].start_us < 0.1 * S
    assert rendition(kept, PICTURE).segments[0].start_us == pytest.approx(5 * S, abs=0.1 * S)
    assert breaks(floor.segments) == []
    assert len(units_of(kept, tape.folder, FLOOR)) == 400


def test_a_picture_that_stops_does_not_hold_up_its_sound(tape: Tape) -> None:
    show = on_air(tape)
    show.run(2)
    show.with_picture = False
    show.run(2.4)
    assert rendition(tape.kept(), FLOOR).segments[-1].end_us > 3.6 * S


def test_no_key_frame_for_ten_seconds_is_one_long_segment_beside_short_ones_of_sound(tape: Tape) -> None:
    show = on_air(tape, pictures(300))
    show.answers_pli = False
    show.run(12)
    kept = proved(tape)
    assert len(rendition(kept, PICTURE).segments) == 1
    assert max(each.duration_us for each in rendition(kept, FLOOR).segments) <= 4.1 * S
    assert len(units_of(kept, tape.folder, PICTURE)) == 300


def told(tape: Tape) -> list[tuple[str, bool]]:
    return [(each.code, each.over) for each in tape.troubles]


@pytest.mark.parametrize("lacks", ["key frames", "parameter sets"])
def test_a_picture_that_nobody_can_start_to_decode_is_told_while_its_sound_is_kept(tape: Tape, lacks: str) -> None:
    show = on_air(tape)
    if lacks == "key frames":
        show.run(1)  # a Feed shows nobody without one
        tape.stop()
        tape.keep()
        show.pictures = [(unit, False) for unit, is_key in pictures() if not is_key]
    else:
        bare = [[each for each in split_annex_b(unit) if each[0] & 31 not in (7, 8)] for unit, _ in pictures()]
        show.pictures = [(b"".join(b"\0\0\1" + each for each in units), False) for units in bare]
    show.run(9)
    assert told(tape) == []
    show.run(2)
    assert told(tape) == [("recording.no_picture", False)]
    assert tape.writer.failing is None
    show.pictures, show.position = pictures(), 0
    show.run(3)
    assert told(tape)[1:] == [("recording.no_picture", True)]
    kept = proved(tape)
    assert len(units_of(kept, tape.folder, FLOOR)) >= 695
    assert any(abs(each.start_us - show.at_us + BEGAN_US + 3 * S) < 0.1 * S for each in kept.renditions[0].segments)


def test_ten_minutes_of_nothing_are_a_standing_picture_and_silence(tape: Tape) -> None:
    show = on_air(tape)
    show.run(3)
    show.at_us += 600 * S
    tape.until(show.at_us)
    for each in tape.kept().renditions:
        assert each.segments[-1].end_us > 598 * S  # what plays meanwhile goes on
    show.run(3)
    kept = proved(tape)
    for each in kept.renditions:
        assert each.segments[-1].end_us == pytest.approx(606 * S, abs=0.1 * S)
        assert breaks(each.segments) == []
        assert max(segment.duration_us for segment in each.segments) <= 4.1 * S
    assert len(decoded(tape)) == len(units_of(kept, tape.folder, PICTURE)) > 400
    lost = [gap for gap in kept.gaps if gap.reason == "lost"]
    assert [round(gap.duration_us / S) for gap in lost] == [600, 600]
    assert units_of(kept, tape.folder, FLOOR).count(SILENCE) == pytest.approx(30_000, abs=60)
    assert abs(tape.writer.av_offset_ms) <= 40


def test_the_room_clock_may_be_set_forth_and_back(tape: Tape) -> None:
    show = on_air(tape)
    for step_ms in (0, 60_000, -60_000):
        tape.clock_step_ms += step_ms
        show.run(4)
    kept = proved(tape)
    for each in kept.renditions:
        assert breaks(each.segments) == []
        assert each.segments[-1].end_us == pytest.approx(12 * S, abs=0.1 * S)
    assert kept.at_ms(6 * S) == pytest.approx(EPOCH_MS + 66_000, abs=600)
    assert kept.at_ms(11 * S) == pytest.approx(EPOCH_MS + 11_000, abs=600)
    assert kept.media_us(EPOCH_MS + 66_500) == pytest.approx(6.5 * S, abs=0.6 * S)


@pytest.mark.parametrize("step_ms", [60_000, -60_000])
def test_a_chapter_keeps_its_media_time_when_the_wall_clock_is_set(tape: Tape, step_ms: int) -> None:
    tape.room_clock = SteadyClock(lambda: tape.wall_ms() * 1_000_000, lambda: tape.now_us * 1000).now_ms
    show = on_air(tape)
    began: list[tuple[int, int]] = []
    for step in (0, step_ms, 0, -step_ms):
        tape.clock_step_ms += step
        began.append((show.at_us - BEGAN_US, tape.clock()))
        show.run(20)
    kept = proved(tape)
    for media_us, at_ms in began:
        assert kept.media_us(at_ms) == pytest.approx(media_us, abs=50_000)
        assert kept.at_ms(media_us) == pytest.approx(at_ms, abs=50)


def test_nothing_is_in_the_files_of_what_was_said_while_not_kept(tape: Tape) -> None:
    show = on_air(tape)
    show.run(2.5)
    before = len(show.publisher.sent)
    tape.stop()
    show.run(3)
    after = len(show.publisher.sent)
    tape.keep()
    show.run(2)
    kept = proved(tape)
    content = b"".join(path.read_bytes() for path in tape.folder.glob("*.mp4"))
    sound = [packet for _, packet in show.publisher.sent if packet[0]]
    secret = [packet for _, packet in show.publisher.sent[before:after] if packet[0]]
    assert len(secret) == 150
    assert not any(packet in content for packet in secret)
    kept_sound = units_of(kept, tape.folder, FLOOR)
    assert kept_sound[:120] == sound[:120]
    assert len(kept_sound) > 215
    assert [(round(gap.duration_us / S), gap.reason) for gap in kept.gaps if gap.duration_us > S] == [(3, "unkept")]
    for each in kept.renditions:
        assert len(breaks(each.segments)) == 1


def test_a_late_packet_from_before_is_not_kept_afterwards(tape: Tape) -> None:
    show = on_air(tape)
    show.with_picture = False
    show.publisher.lose = lambda sequence: sequence == 10 + 110
    show.run(2.4)
    tape.stop()
    show.run(0.4)
    tape.keep()
    show.publisher.lose = lambda _sequence: False
    late, show.publisher.sequence["audio"] = show.publisher.sequence["audio"], 10 + 110
    show.publisher.sound(sound_packet(110), BEGAN_US + 110 * 20_000)
    show.publisher.sequence["audio"] = late
    show.run(3)
    kept = proved(tape)
    assert show.publisher.tracks["audio"].reception.lost == 0
    sound = units_of(kept, tape.folder, FLOOR)
    assert sound_packet(109) in sound
    assert sound_packet(145) in sound
    assert sound_packet(110) not in sound


def test_a_cut_begins_a_segment_in_both_at_the_next_key_frame(tape: Tape) -> None:
    show = on_air(tape)
    show.run(2.8)
    tape.cut()
    show.run(2)
    show.answers_pli = False
    tape.cut()
    show.run(3)
    kept = proved(tape)
    picture, floor = rendition(kept, PICTURE), rendition(kept, FLOOR)
    assert any(abs(each.start_us - 2.8 * S) <= 60_000 for each in picture.segments)
    assert any(abs(each.start_us - 2.8 * S) <= 60_000 for each in floor.segments)
    assert any(abs(each.start_us - 6.8 * S) <= 0.3 * S for each in floor.segments)
    assert breaks(floor.segments) == []


@pytest.mark.parametrize("drift_ppm", [150, -150])
def test_picture_and_sound_stay_together_over_a_drifting_clock_and_unequal_ways(tape: Tape, drift_ppm: int) -> None:
    show = on_air(tape, drift_ppm=drift_ppm, video_delay_us=110_000, audio_delay_us=30_000)
    show.reports = True
    show.run(100)
    kept = proved(tape)
    shown: dict[bytes, list[int]] = {}
    for each in kept.renditions:
        timescale = 90_000 if each.kind == "video" else 48_000
        for segment in each.segments:
            for part in segment.parts:
                for sample in samples_of(tape.folder, part):
                    shown.setdefault(sample.data, []).append((sample.dts + sample.offset) * S // timescale)
    sounds = [(at_us, shown[packet][0]) for at_us, packet in show.publisher.sent if packet[0] and packet in shown]
    seen = [(at_us, published(unit)) for at_us, unit in show.publisher.sent if unit[0] == 0]
    video = [time for unit in dict.fromkeys(unit for _, unit in seen) for time in shown[unit]]
    video.sort()
    assert len(video) == len(seen) == 2500
    offsets = [
        (video[number] - seen[number][0]) - (sounds_at - at_us)
        for number, (at_us, sounds_at) in enumerate(sounds[::2])
        if number < len(seen) and at_us == seen[number][0]
    ]
    assert len(offsets) > 100
    settled = offsets[len(offsets) // 2 :]
    assert max(map(abs, settled)) <= 40_000
    assert abs(kept.av_offset_us or S) <= 40_000
    assert len(sounds) >= 4990


def test_each_part_of_sound_says_how_far_from_its_capture_it_lies_at_worst() -> None:
    track = SoundTrack(FLOOR)
    track.begin(0)
    for number in range(75):
        late_us = {30: 15_000, 31: 7_000, 60: -9_000}.get(number, 0)
        frame = Frame(FLOOR, 0, [sound_packet(number)], key=True, missing="")
        track.take(frame, S + number * SOUND_US + late_us)
        track.write(1 << 62, alone=True)
    track.end()
    parts = [round((each.off_us or 0) / 1000) for each in track.pieces if isinstance(each, PartPiece)]
    assert parts == [0, -15, 9]


def test_a_new_owner_goes_on_where_the_killed_one_was_and_a_stale_one_is_refused(folder: Path) -> None:
    first = Tape(folder, 5)
    on_air(first).run(5.3)
    second = Tape(folder, 12, now_us=first.now_us + 2 * S)
    on_air(second).run(3)
    with pytest.raises(Conflict, match="stale_token"):
        Tape(folder, 11)
    kept = proved(second)
    picture = rendition(kept, PICTURE)
    assert [each.number for each in picture.segments] == list(range(len(picture.segments)))
    assert {each.span.file for each in picture.segments} == {"picture-5.mp4", "picture-12.mp4"}
    assert [(round(gap.duration_us / S), gap.reason) for gap in kept.gaps if gap.duration_us > S] == [(2, "lost")]
    assert len(breaks(picture.segments)) == 1
    assert kept.end_us == pytest.approx(10.3 * S, abs=0.1 * S)
    assert second.writer.bytes == kept.bytes
    assert second.writer.kept_ms == pytest.approx(8000, abs=700)


def test_an_owner_that_lost_the_room_without_noticing_stops_and_is_not_believed(folder: Path) -> None:
    first = Tape(folder, 5)
    stale = on_air(first)
    stale.run(3)
    second = Tape(folder, 12, now_us=first.now_us)
    newer = on_air(second)
    newer.run(1)
    stale.run(1.5)
    assert told(first) == [("recording.stale_token", False)]
    written = {path.name: path.stat().st_size for path in folder.glob("*-5.*")}
    stale.run(12)
    assert {path.name: path.stat().st_size for path in folder.glob("*-5.*")} == written
    assert len(first.troubles) == 1
    newer.run(3)
    kept = proved(second)
    for name, least in ((PICTURE, 99), (FLOOR, 199)):
        ours = [each for each in rendition(kept, name).segments if each.span.file == f"{name}-12.mp4"]
        assert ours[-1].end_us == pytest.approx(7 * S, abs=0.1 * S)
        theirs = [each for each in rendition(kept, name).segments if each.span.file == f"{name}-5.mp4"]
        assert theirs[-1].end_us <= 3.6 * S
        content = (folder / f"{name}-12.mp4").read_bytes()
        assert sum(unit in content for unit in units_of(kept, folder, name)) >= least


def test_the_index_says_who_was_on_and_from_when(folder: Path) -> None:
    first = Tape(folder, 5)
    sender = Publisher(first)
    sender.show()
    first.keep("kim")
    show = Show(first, sender, pictures())
    show.run(3)
    first.items.append(Keep(on=True, who=("kim", "lan"), at_us=first.now_us))
    show.run(3)
    kept = first.close()
    assert kept.cast(0, 2 * S) == {"kim"}
    assert kept.cast(4 * S, 5 * S) == {"kim", "lan"}
    assert kept.cast(2 * S, 4 * S) == {"kim", "lan"}
    second = Tape(folder, 6, now_us=first.now_us)
    on_air(second).run(1)
    assert second.close().cast(5 * S, 7 * S) == {"kim", "lan"}
    unsaid = Tape(folder / "unsaid")
    on_air(unsaid).run(1)
    assert unsaid.close().cast(0, S) is None


def test_an_owner_that_comes_back_goes_on_in_its_own_files(folder: Path) -> None:
    first = Tape(folder, 5)
    on_air(first).run(3)
    first.close()
    with (folder / "picture-5.mp4").open("ab") as file:
        file.write(b"torn")
    second = Tape(folder, 5, now_us=first.now_us + S)
    on_air(second).run(3)
    kept = proved(second)
    picture = rendition(kept, PICTURE)
    assert len(picture.segments) == 4
    assert [each.discontinuity for each in picture.segments] == [False, False, True, False]
    assert len(picture.inits) == 2
    assert kept.closed


def test_too_little_room_ends_what_is_kept_once_and_it_goes_on_when_there_is_some(folder: Path) -> None:
    tape = Tape(folder, least_free_bytes=1 << 60)
    assert [(each.code, each.over) for each in tape.troubles] == [("recording.disk_full", False)]
    assert tape.writer.failing == "recording.disk_full"
    show = on_air(tape)
    show.run(6)
    assert len(tape.troubles) == 1
    assert tape.kept().renditions == ()
