"""What is wrong with files is found, and mending them never gives up a piece that is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from expo.media.recording.index import Kept
from expo.media.recording.lines import PartLine, every_line
from expo.media.recording.reader import read_recording
from expo.media.recording.repair import Finding, is_whole, repair, verify
from tests.support.encoded import pictures
from tests.support.tape import FLOOR, PICTURE, Publisher, Show, Tape, units_of

INDEX, MEDIA, SOUND = "index-1.jsonl", "picture-1.mp4", "floor-1.mp4"
Damage = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six seconds whose picture changes its size once, closed."""
    tape = Tape(tmp_path / "r1")
    sender = Publisher(tape)
    sender.show()
    tape.keep()
    show = Show(tape, sender, pictures())
    show.run(3)
    show.pictures, show.position = pictures(30, 128, 64), 0
    show.run(3)
    tape.close()
    for path in tape.folder.iterdir():
        os.utime(path, (tape.clock() / 1000, tape.clock() / 1000))
    return tape.folder


def read(folder: Path) -> Kept:
    kept = read_recording(folder)
    assert kept is not None
    return kept


def units(folder: Path) -> dict[str, list[bytes]]:
    kept = read(folder)
    return {name: units_of(kept, folder, name) for name in (PICTURE, FLOOR)}


def lines(folder: Path) -> list[bytes]:
    return (folder / INDEX).read_bytes().splitlines(keepends=True)


def flipped(name: str, at: Callable[[bytes], int]) -> Damage:
    def damage(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[at(bytes(content))] ^= 0x10
        (folder / name).write_bytes(content)

    return damage


def without_lines(first: int, last: int | None = None) -> Damage:
    def damage(folder: Path) -> None:
        all_of_them = lines(folder)
        del all_of_them[first:last]
        (folder / INDEX).write_bytes(b"".join(all_of_them))

    return damage


def torn(folder: Path) -> None:
    with (folder / INDEX).open("ab") as index:
        index.write(b'{"type":"pa')
    with (folder / MEDIA).open("ab") as media:
        media.write(b"\0\0\1\0moof")


def no_index(folder: Path) -> None:
    (folder / INDEX).unlink()


@pytest.mark.parametrize(
    ("damage", "problems"),
    [
        (torn, {"torn_index", "torn_media"}),
        (without_lines(-1), {"not_closed"}),
        (without_lines(-9), {"unlisted", "not_closed"}),
        (without_lines(9, 14), {"hole_in_file"}),
        (without_lines(0), {"unlisted", "not_closed"}),
        (no_index, {"unlisted", "not_closed"}),
        (flipped(INDEX, lambda content: content.index(b"\n", len(content) // 2)), {"torn_index", "hole_in_file"}),
        (flipped(INDEX, lambda content: content.index(b"{", len(content) // 2)), {"torn_index", "hole_in_file"}),
    ],
    ids=["torn", "open", "short-index", "hole-in-index", "empty-index", "no-index", "flip-at-line-end", "flip-in-line"],
)
def test_an_index_is_mended_from_the_media_and_no_picture_or_sound_is_lost(
    folder: Path, damage: Damage, problems: set[str]
) -> None:
    before, kept = units(folder), read(folder)
    assert is_whole(folder)
    damage(folder)
    assert is_whole(folder) is (problems == {"hole_in_file"})  # which no killed server leaves
    assert {finding.problem for finding in verify(folder)} == problems
    assert {finding.problem for finding in repair(folder)} == problems
    assert verify(folder) == repair(folder) == []
    assert is_whole(folder)
    assert units(folder) == before
    again = read(folder)
    assert again.closed
    for then, now in zip(*(sorted(each.renditions, key=lambda one: one.name) for each in (kept, again)), strict=True):
        assert then.inits == now.inits
        assert [one.start_us for one in now.segments if one.discontinuity] == [
            one.start_us for one in then.segments if one.discontinuity
        ]
    assert abs(again.at_ms(3_000_000) - kept.at_ms(3_000_000)) <= 100  # by the file's own time at worst


def test_a_flipped_byte_is_found_and_mending_keeps_all_the_others(folder: Path) -> None:
    damage = flipped(MEDIA, lambda content: len(content) // 2)
    before = (folder / MEDIA).stat().st_size
    damage(folder)
    (found,) = verify(folder)
    assert (found.file, found.problem) == (MEDIA, "changed")
    assert repair(folder) == []
    assert (folder / MEDIA).stat().st_size == before
    damage(folder)
    assert verify(folder) == []


def test_a_changed_header_of_a_fragment_costs_that_fragment_alone(folder: Path) -> None:
    parts = [line for line, _ in every_line((folder / INDEX).read_bytes()) if isinstance(line, PartLine)]
    bad = [part for part in parts if part.rendition == PICTURE][3]
    flipped(MEDIA, lambda _: bad.offset + 5)(folder)
    assert verify(folder) == [Finding(MEDIA, bad.offset, "bad_boxes")]
    before = (folder / MEDIA).stat().st_size
    without_lines(9)(folder)  # nothing names the others any more
    repair(folder)
    assert (folder / MEDIA).stat().st_size == before
    assert [(each.offset, each.problem) for each in verify(folder)] == [(bad.offset, "hole_in_file")]
    again = [line for line, _ in every_line((folder / INDEX).read_bytes()) if isinstance(line, PartLine)]
    assert {(each.rendition, each.offset) for each in parts} - {(each.rendition, each.offset) for each in again} == {
        (PICTURE, bad.offset)
    }


def test_a_file_that_is_away_is_told_once_and_its_lines_wait_for_it(folder: Path) -> None:
    before, away = units(folder), folder.parent / "away"
    (folder / MEDIA).rename(away)
    assert verify(folder) == [Finding(MEDIA, 0, "missing")]
    assert repair(folder) == []
    assert units(folder) == {PICTURE: [], FLOOR: before[FLOOR]}
    away.rename(folder / MEDIA)
    assert verify(folder) == []
    assert units(folder) == before


def test_a_file_that_was_cut_short_is_named_no_further_than_it_goes(folder: Path) -> None:
    before, size = units(folder), (folder / SOUND).stat().st_size
    with (folder / SOUND).open("rb+") as file:
        file.truncate(size // 2)
    assert [(each.file, each.problem) for each in verify(folder)] == [(SOUND, "missing")]
    repair(folder)
    assert verify(folder) == []
    sound = units(folder)[FLOOR]
    assert 100 < len(sound) < 160
    assert sound == before[FLOOR][: len(sound)]
    assert units(folder)[PICTURE] == before[PICTURE]
