"""Recordings as one MP4: what plays in it, when, and how it is built."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from expo.errors import Unavailable
from expo.media.recording import playlist
from expo.media.recording.index import Kept
from expo.media.recording.playlist import Film, Selection, Stretch
from expo.media.recording.reader import read_recording
from expo.media.recording.remux import Label, Mark, remux
from tests.support.recordings import BLUE, GREEN, LARGE, RED, Shot, boxes, write_recording

S = 1_000_000
LABELS = {"floor": Label("Original", "mul")}


def recorded(folder: Path) -> Kept:
    shots = [Shot(0, 4, RED), Shot(4, 4, GREEN), Shot(8, 4, BLUE), Shot(20, 4, GREEN, LARGE)]
    write_recording(folder, shots, epoch_ms=1_795_000_000_000)
    kept = read_recording(folder)
    assert kept is not None
    return kept


def without_green(kept: Kept) -> Film:
    return playlist.film(
        kept, Selection((Stretch(0, 4 * S), Stretch(8 * S, 30 * S)), (Stretch(4 * S, 8 * S),)), growing=False
    )


def test_a_film_holds_what_plays_in_order_with_its_sizes_sounds_and_chapters(tmp_path: Path) -> None:
    film, out, told = without_green(recorded(tmp_path)), tmp_path / "film.mp4", list[float]()
    marks = [Mark("결화장품", 0, 4 * S), Mark("Dalgu", 4 * S, 12 * S)]
    remux(tmp_path, film, LABELS, marks, out, lambda done: told.append(done) or True)
    assert [name for name, _ in boxes(out.read_bytes())][:2] == ["ftyp", "moov"]  # it starts before it is all there
    assert told == sorted(told)
    with av.open(str(out)) as found:
        picture, floor = found.streams.video[0], found.streams.audio[0]
        assert (picture.frames, floor.frames) == (12 * 10, 12 * 50)
        assert floor.metadata["language"] == "mul"
        assert [one["metadata"]["title"] for one in found.chapters()] == ["결화장품", "Dalgu"]
        seen: list[tuple[float, int, str]] = []
        for frame in found.decode(picture):
            colour = "rgb"[int(frame.to_ndarray(format="rgb24")[5, 5].argmax())]
            if not seen or seen[-1][1:] != (frame.width, colour):
                seen.append((frame.time or 0.0, frame.width, colour))
        assert seen == [(0.0, 160, "r"), (4.0, 160, "b"), (8.0, 320, "g")]


def test_a_film_stops_when_it_is_told_to(tmp_path: Path) -> None:
    film, out = without_green(recorded(tmp_path)), tmp_path / "film.mp4"
    remux(tmp_path, film, LABELS, [], out, lambda _: False)
    assert out.stat().st_size < 5000


def test_files_that_are_no_media_are_told_in_our_words(tmp_path: Path) -> None:
    film = without_green(recorded(tmp_path))
    path = tmp_path / "picture-1.mp4"
    path.write_bytes(bytes(path.stat().st_size))
    with pytest.raises(Unavailable) as refused:
        remux(tmp_path, film, LABELS, [], tmp_path / "film.mp4", lambda _: True)
    assert refused.value.code == "film.failed"


def test_a_file_that_is_gone_is_an_error_of_the_disk(tmp_path: Path) -> None:
    film = without_green(recorded(tmp_path))
    (tmp_path / "floor-1.mp4").unlink()
    with pytest.raises(FileNotFoundError):
        remux(tmp_path, film, LABELS, [], tmp_path / "film.mp4", lambda _: True)
