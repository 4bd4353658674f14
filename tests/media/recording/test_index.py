from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from expo.media.recording.index import Gap
from expo.media.recording.layout import index_name, media_name, owners, recording_folder
from expo.media.recording.lines import CastLine, Closed, GapLine, InitLine, Line, Opened, PartLine, encode_line
from expo.media.recording.reader import IndexReader, read_recording

EPOCH_MS = 1_800_000_000_000


def opened(token: int) -> Opened:
    return Opened("r1", token, EPOCH_MS, EPOCH_MS)


def init(token: int, offset: int = 0) -> InitLine:
    return InitLine("picture", "video", media_name("picture", token), offset, 100, "avc1.42e01f", 1280, 720)


def part(number: int, *, segment: int = 0, offset: int | None = None, at_ms: int | None = None) -> PartLine:
    start_us = number * 500_000
    clock_ms = EPOCH_MS + number * 500 if at_ms is None else at_ms
    place = 100 + number * 50 if offset is None else offset
    return PartLine("picture", segment, place, 50, start_us, 500_000, clock_ms, independent=number % 4 == 0)


def write(folder: Path, token: int, *lines: Line, size: int = 1000, torn: bytes = b"") -> None:
    text = b"".join(encode_line(line) for line in (opened(token), *lines))
    (folder / index_name(token)).write_bytes(text + torn)
    (folder / media_name("picture", token)).write_bytes(bytes(size))


def test_segments_are_numbered_over_all_owners_and_only_the_last_may_grow(tmp_path: Path) -> None:
    write(tmp_path, 9, init(9), *(part(n, segment=n // 4) for n in range(6)))
    write(tmp_path, 10, init(10), *(part(n, segment=n // 10, offset=n * 50 - 200) for n in range(6, 12)))
    kept = read_recording(tmp_path)
    assert kept is not None
    (picture,) = kept.renditions
    assert [(each.number, each.init, len(each.parts)) for each in picture.segments] == [
        (0, 0, 4),
        (1, 0, 2),
        (2, 1, 4),
        (3, 1, 2),
    ]
    assert [each.discontinuity for each in picture.segments] == [False, False, True, False]
    assert [each.open for each in picture.segments] == [False, False, False, True]
    assert (picture.segments[0].span.offset, picture.segments[0].span.length) == (100, 200)
    assert (kept.start_us, kept.end_us, kept.closed, kept.bytes) == (0, 6_000_000, False, 2000)
    assert owners(tmp_path) == [9, 10]


def test_a_torn_line_and_parts_beyond_the_file_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, 1, init(1), part(0), part(1), part(2), torn=b'{"type":"part","ren', size=220)
    kept = read_recording(tmp_path)
    assert kept is not None
    assert [len(each.parts) for each in kept.renditions[0].segments] == [2]


def test_what_a_stale_owner_wrote_beside_the_new_one_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, 1, init(1), *(part(n) for n in range(6)), Closed(EPOCH_MS, "show_over"))
    write(tmp_path, 2, init(2), part(3, segment=0, offset=100))
    kept = read_recording(tmp_path)
    assert kept is not None
    spans = [each.span for segment in kept.renditions[0].segments for each in segment.parts]
    assert [(span.file, span.offset) for span in spans] == [
        *(("picture-1.mp4", offset) for offset in (100, 150, 200)),
        ("picture-2.mp4", 100),
    ]
    assert not kept.closed


def test_a_segment_before_a_gap_grows_no_more_and_the_next_is_a_discontinuity(tmp_path: Path) -> None:
    lines = [init(1), part(0), GapLine(500_000, 0, "unkept")]
    write(tmp_path, 1, *lines)
    kept = read_recording(tmp_path)
    assert kept is not None
    assert not kept.renditions[0].segments[0].open
    assert kept.gaps == ()
    write(tmp_path, 1, *lines, GapLine(500_000, 500_000, "unkept"), part(2, segment=1))
    kept = read_recording(tmp_path)
    assert kept is not None
    assert [each.discontinuity for each in kept.renditions[0].segments] == [False, True]
    assert kept.gaps == (Gap(500_000, 500_000, "unkept"),)


def test_the_room_clock_maps_to_media_time_though_it_was_set_back(tmp_path: Path) -> None:
    late = [part(n, at_ms=EPOCH_MS - 60_000 + n * 500) for n in range(8, 12)]
    write(tmp_path, 1, init(1), *(part(n) for n in range(8)), *late)
    kept = read_recording(tmp_path)
    assert kept is not None
    assert kept.media_us(EPOCH_MS + 1_250) == 1_250_000
    assert kept.at_ms(1_250_000) == EPOCH_MS + 1_250
    assert kept.media_us(EPOCH_MS - 60_000 + 4_250) == 4_250_000
    assert kept.at_ms(4_250_000) == EPOCH_MS - 55_750


def test_what_grows_is_read_on_as_if_it_were_read_anew(tmp_path: Path) -> None:
    """Also where a line is torn, another owner takes over, one is stale, and a file is cut."""
    reader = IndexReader(tmp_path)
    assert reader.read() is None
    first = tmp_path / index_name(1)
    lines = [init(1), *(part(n, segment=n // 4) for n in range(6)), CastLine(500_000, ("kim",)), init(1, offset=400)]
    lines += [*(part(n, segment=n // 4) for n in range(6, 9)), GapLine(4_500_000, 0, "unkept")]
    lines += [GapLine(4_500_000, 500_000, "unkept"), part(10, segment=5, at_ms=EPOCH_MS), Closed(EPOCH_MS, "moved")]
    write(tmp_path, 1)
    text = b"".join(map(encode_line, lines))
    steps = [*range(0, len(text), 97), len(text)]
    for begin, end in pairwise(steps):
        with first.open("ab") as file:
            file.write(text[begin:end])
        assert reader.read() == read_recording(tmp_path)
    for more in ([], [init(2)], [init(2), part(9, offset=100)], [init(2), part(9, offset=100), part(11, offset=150)]):
        write(tmp_path, 2, *more)
        assert reader.read() == read_recording(tmp_path)
    with first.open("ab") as file:  # it has not heard yet
        file.write(encode_line(part(12, segment=6)))
    assert reader.read() == read_recording(tmp_path)
    for size in (170, 120, 0):
        (tmp_path / media_name("picture", 2)).write_bytes(bytes(size))
        assert reader.read() == read_recording(tmp_path)


def test_how_far_sound_lies_from_its_picture_at_worst_is_of_all_owners(tmp_path: Path) -> None:
    for token, offs in ((1, (300, -12_000, None)), (2, (9_000, None, -11_999))):
        parts = [replace(part(token * 3 + n, offset=100 + n * 50), off_us=off) for n, off in enumerate(offs)]
        write(tmp_path, token, init(token), *parts)
    reader = IndexReader(tmp_path)
    kept = reader.read()
    assert kept is not None
    assert kept.av_offset_us == -12_000
    with (tmp_path / index_name(2)).open("ab") as index:
        index.write(encode_line(replace(part(9, offset=250), off_us=13_000)))
    kept = reader.read()
    assert kept is not None
    assert kept.av_offset_us == 13_000


def test_there_is_no_recording_where_nobody_opened_one(tmp_path: Path) -> None:
    assert read_recording(tmp_path) is None
    assert read_recording(tmp_path / "elsewhere") is None


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a\0b", "x" * 65, "ä"])
def test_no_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="recording"):
        recording_folder(tmp_path, name)
    with pytest.raises(ValueError, match="rendition"):
        media_name(name, 1)
