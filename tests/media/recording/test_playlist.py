"""Playlists over a recording's files, read back by the rules of RFC 8216, and the time line of what plays."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from expo.media.recording import playlist
from expo.media.recording.index import Kept
from expo.media.recording.playlist import Film, Selection, Stretch
from expo.media.recording.reader import read_recording
from tests.support.recordings import BLUE, GREEN, LARGE, RED, Shot, write_recording

EPOCH_MS = 1_795_000_000_000
S = 1_000_000
ALL = Selection((Stretch(0, 1000 * S),))


@dataclass(slots=True)
class Listed:
    """One segment as an independent reader understands the playlist."""

    uri: str
    seconds: float
    map: str
    sequence: int
    date: str | None


@dataclass(slots=True)
class Read:
    tags: dict[str, str] = field(default_factory=dict[str, str])
    segments: list[Listed] = field(default_factory=list[Listed])
    ended: bool = False


def read(text: str) -> Read:
    """RFC 8216 4.3: tags that stand once, and those that hold for the segment behind them."""
    lines = text.splitlines()
    assert lines[0] == "#EXTM3U"
    found, map_uri, sequence, date, seconds = Read(), "", 0, None, None
    for line in lines[1:]:
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-MAP":
                map_uri = value.removeprefix('URI="').removesuffix('"')
            case "#EXT-X-DISCONTINUITY":
                sequence += 1
            case "#EXT-X-PROGRAM-DATE-TIME":
                date = value
            case "#EXTINF":
                seconds = float(value.rstrip(","))
            case "#EXT-X-ENDLIST":
                found.ended = True
            case _ if line.startswith("#"):
                assert name not in found.tags
                found.tags[name] = value
            case _:
                assert map_uri and seconds is not None  # noqa: PT018 - both stand before
                found.segments.append(Listed(line, seconds, map_uri, sequence, date))
                date = seconds = None
    assert max(round(one.seconds) for one in found.segments) <= int(found.tags["#EXT-X-TARGETDURATION"])
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Three companies of ten seconds, ten seconds of nothing, then one in a larger picture."""
    folder = tmp_path_factory.mktemp("kept")
    shots = [Shot(0, 10, RED), Shot(10, 10, GREEN), Shot(20, 10, BLUE), Shot(40, 10, RED, LARGE)]
    write_recording(folder, shots, epoch_ms=EPOCH_MS)
    found = read_recording(folder)
    assert found is not None
    return found


def listed(film: Film, name: str, *, growing: bool = False) -> Read:
    chosen = film.rendition(name)
    assert chosen is not None
    return read(playlist.media_playlist(film, chosen, growing=growing))


def test_a_finished_recording_is_a_whole_list_with_an_end(kept: Kept) -> None:
    film = playlist.film(kept, ALL, growing=False)
    picture, floor = listed(film, "picture"), listed(film, "floor")
    assert (picture.tags["#EXT-X-PLAYLIST-TYPE"], picture.ended) == ("VOD", True)
    assert int(picture.tags["#EXT-X-VERSION"]) >= 7
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in picture.tags
    assert [one.uri for one in picture.segments] == [f"picture/{number}.m4s" for number in range(20)]
    assert [one.map for one in picture.segments] == ["picture/init-0.mp4"] * 15 + ["picture/init-1.mp4"] * 5
    # The seams of all renditions are the same ones, or a player cannot line them up.
    assert [one.sequence for one in picture.segments] == [0] * 15 + [1] * 5 == [one.sequence for one in floor.segments]
    assert [one.date for one in picture.segments if one.date] == [
        "2026-11-18T11:06:40.000Z",
        "2026-11-18T11:07:20.000Z",
    ]
    assert sum(one.seconds for one in picture.segments) == pytest.approx(40)


def test_a_list_that_grows_leaves_out_what_may_still_grow_and_only_gets_longer(tmp_path: Path) -> None:
    before: list[str] = []
    for length_s in (4, 8):
        write_recording(tmp_path, [Shot(0, length_s)], epoch_ms=EPOCH_MS, closed=False)
        kept = read_recording(tmp_path)
        assert kept is not None
        text = listed(playlist.film(kept, ALL, growing=True), "picture", growing=True)
        assert (text.tags["#EXT-X-PLAYLIST-TYPE"], text.ended) == ("EVENT", False)
        uris = [one.uri for one in text.segments]
        assert uris[: len(before)] == before
        assert len(uris) == length_s // 2 - 1
        before = uris


def test_nothing_of_what_is_withheld_plays_not_even_where_a_segment_overlaps_it(kept: Kept) -> None:
    selection = Selection((Stretch(0, 11 * S), Stretch(19 * S, 60 * S)), (Stretch(11 * S, 19 * S),))
    film = playlist.film(kept, selection, growing=False)
    for name in ("picture", "floor"):
        numbers = [int(re.findall(r"\d+", one.uri)[0]) for one in listed(film, name).segments]
        assert numbers == [0, 1, 2, 3, 4, *range(10, 20)]
        assert [one.sequence for one in listed(film, name).segments] == [0] * 5 + [1] * 5 + [2] * 5


def test_positions_leave_out_what_does_not_play(kept: Kept) -> None:
    selection = Selection((Stretch(0, 10 * S), Stretch(20 * S, 60 * S)), (Stretch(10 * S, 20 * S),))
    film = playlist.film(kept, selection, growing=False)
    assert film.length_us == 30 * S
    at = {0: 0, 9: 9, 10: 10, 15: 10, 20: 10, 25: 15, 30: 20, 35: 20, 40: 20, 50: 30, 70: 30}
    assert {media: film.position_us(media * S) // S for media in at} == at
    assert [film.media_us(position * S) // S for position in (0, 9, 10, 19, 20, 29, 99)] == [0, 9, 20, 29, 40, 49, 50]


def test_the_first_list_names_every_sound_with_its_language(kept: Kept) -> None:
    film = playlist.film(kept, ALL, growing=False)
    labels = {"floor": ('Original "sound"\n', "mul")}
    text = playlist.master_playlist(film, labels, sound=lambda name: name == "floor")
    media = next(line for line in text.splitlines() if line.startswith("#EXT-X-MEDIA:"))
    assert 'NAME="Original sound"' in media
    assert 'LANGUAGE="mul",DEFAULT=YES' in media
    stream, address = text.splitlines()[-2:]
    assert address == "picture.m3u8"
    assert re.search(r'BANDWIDTH=\d{5,},AVERAGE-BANDWIDTH=\d{5,},CODECS="avc1.42e01f,opus",RESOLUTION=320x180', stream)


def test_sound_alone_is_a_list_of_its_own(tmp_path: Path) -> None:
    write_recording(tmp_path, [Shot(0, 4)], epoch_ms=EPOCH_MS, kinds=("floor",))
    kept = read_recording(tmp_path)
    assert kept is not None
    film = playlist.film(kept, ALL, growing=False)
    text = playlist.master_playlist(film, {"floor": ("Original", "mul")}, sound=lambda _: True)
    assert text.splitlines()[-1] == "floor.m3u8"
    assert "EXT-X-MEDIA:" not in text


def test_nothing_chosen_is_an_empty_film(kept: Kept) -> None:
    film = playlist.film(kept, Selection(()), growing=False)
    assert (film.chosen, film.length_us, film.position_us(5), film.media_us(5)) == ((), 0, 0, 0)
