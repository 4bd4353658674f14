"""A recording's files as one MP4, without transcoding: faststart, every sound a track with its language, chapters."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import av
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from expo.errors import Unavailable
from expo.media.recording.index import Span
from expo.media.recording.playlist import Chosen, Film, Run

TOLD_EVERY = 500
"""Packets between two words on progress; some six seconds of media."""
_EARLY_US = 10_000
"""Sound that begins no more than half an Opus frame before its picture is not too early."""
_US = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True)
class Label:
    """What a sound track is called, and its language (ISO 639-2/T, three letters)."""

    title: str
    language: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter of the film, from one position to another."""

    title: str
    start_us: int
    end_us: int


class _Timed(Protocol):
    """A packet of PyAV, whose own types are half known."""

    pts: int | None
    dts: int | None
    duration: int | None
    time_base: Fraction | None
    is_keyframe: bool
    stream: Stream

    def __buffer__(self, flags: int, /) -> memoryview: ...


class _Source(Protocol):
    def demux(self, stream: Stream) -> Iterator[_Timed]: ...


class _Sink(Protocol):
    def add_stream_from_template(self, template: Stream) -> Stream: ...

    def mux_one(self, packet: _Timed) -> None: ...

    def set_chapters(self, chapters: Sequence[Mapping[str, object]]) -> None: ...


def remux(
    folder: Path,
    film: Film,
    labels: Mapping[str, Label],
    marks: Sequence[Mark],
    out: Path,
    told: Callable[[float], bool],
) -> None:
    """Write what plays of the recording in `folder` to `out`. Blocking, in a thread of its own.

    `told` is given how much is done, 0 to 1, and says whether to go on; what was written is left to the caller.
    Unavailable `film.failed` when the files cannot be read as media, OSError when they cannot be read or written.
    """
    try:
        with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            _write(folder, film, labels, marks, cast("_Sink", container), told)
    except FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise Unavailable("film.failed", f"the recording cannot be read as media: {error.strerror}") from error


def _write(
    folder: Path,
    film: Film,
    labels: Mapping[str, Label],
    marks: Sequence[Mark],
    container: _Sink,
    told: Callable[[float], bool],
) -> None:
    tracks = [_Track(folder, film, chosen, is_first=number == 0) for number, chosen in enumerate(film.chosen)]
    for track in tracks:
        track.open(container, labels.get(track.chosen.rendition.name))
    if marks:
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": mark.start_us,
                    "end": mark.end_us,
                    "time_base": _US,
                    "metadata": {"title": mark.title},
                }
                for number, mark in enumerate(marks, start=1)
            ]
        )
    with contextlib.ExitStack() as stack:
        each = [stack.enter_context(contextlib.closing(track.packets())) for track in tracks]
        for number, (at_us, packet) in enumerate(heapq.merge(*each, key=lambda timed: timed[0])):
            container.mux_one(packet)
            if number % TOLD_EVERY == 0 and not told(min(1.0, max(0, at_us) / max(1, film.length_us))):
                return


class _Track:
    """One rendition on its way into the film."""

    def __init__(self, folder: Path, film: Film, chosen: Chosen, *, is_first: bool) -> None:
        self.chosen = chosen
        self._folder = folder
        self._runs = film.runs
        self._is_first = is_first
        self._stream: Stream | None = None
        self._varies = len({segment.init for segment in chosen.segments}) > 1

    def open(self, container: _Sink, label: Label | None) -> None:
        """Make its stream like the first of its media."""
        first = self.chosen.segments[0]
        spans = [self.chosen.init(first).span, first.span]
        with contextlib.closing(_Bytes(self._folder, spans)) as file, av.open(file, format="mp4") as source:
            self._stream = container.add_stream_from_template(source.streams[0])
        if label is not None and self.chosen.rendition.kind == "audio":
            self._stream.metadata["language"] = label.language
            self._stream.metadata["handler_name"] = label.title

    def packets(self) -> Generator[tuple[int, _Timed]]:
        """Its packets with their times in the film, in decoding order."""
        for run in self._runs:
            inside = [one for one in self.chosen.segments if run.media.overlaps(one.start_us, one.end_us)]
            at = 0
            while at < len(inside):
                end = at + 1
                while end < len(inside) and inside[end].init == inside[at].init:
                    end += 1
                spans = [self.chosen.init(inside[at]).span, *(one.span for one in inside[at:end])]
                yield from self._of_one_init(spans, run)
                at = end

    def _of_one_init(self, spans: Sequence[Span], run: Run) -> Generator[tuple[int, _Timed]]:
        with contextlib.closing(_Bytes(self._folder, spans)) as file, av.open(file, format="mp4") as source:
            stream, into = source.streams[0], self._stream
            assert into is not None  # noqa: S101 - `packets` follows `open`
            parameters = _parameter_sets(stream.codec_context.extradata or b"") if self._varies else b""
            for packet in cast("_Source", source).demux(stream):
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                base = packet.time_base / _US
                media_us = int(packet.pts * base)
                early, late = media_us < run.media.start_us - _EARLY_US, media_us >= run.media.end_us
                if (early or late) and not self._is_first:
                    continue
                shift = round((run.media.start_us - run.at_us) / base)
                timed = _prefixed(packet, parameters) if parameters and packet.is_keyframe else packet
                timed.pts, timed.dts = packet.pts - shift, packet.dts - shift
                timed.stream = into
                yield int((packet.dts - shift) * base), timed


class _Bytes:
    """Spans of files one after another, as a file that PyAV reads and cannot seek in."""

    def __init__(self, folder: Path, spans: Sequence[Span]) -> None:
        self._folder = folder
        self._spans = list(reversed(spans))
        self._left = 0
        self._file: BinaryIO | None = None
        self._name = ""

    def read(self, size: int) -> bytes:
        file = self._file
        while file is None or not self._left:
            if not self._spans:
                self.close()
                return b""
            span = self._spans.pop()
            if file is None or self._name != span.file:
                self.close()
                self._file = file = (self._folder / span.file).open("rb")
                self._name = span.file
            file.seek(span.offset)
            self._left = span.length
        found = file.read(min(size, self._left))
        self._left = self._left - len(found) if found else 0
        return found

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _prefixed(packet: _Timed, parameters: bytes) -> _Timed:
    """A key frame with its parameter sets in front: a film has one set in its head, and pictures of other sizes."""
    made = cast("_Timed", Packet(parameters + bytes(packet)))
    made.time_base, made.duration, made.is_keyframe = packet.time_base, packet.duration, True
    return made


def _parameter_sets(record: bytes) -> bytes:
    """Parameter sets of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1) as length-prefixed NAL units."""
    if len(record) < 7 or record[0] != 1 or record[4] & 3 != 3:
        return b""
    found, at, count = b"", 6, record[5] & 31
    for _ in range(2):  # sequence parameter sets, then how many picture parameter sets, and those
        for _ in range(count):
            length = int.from_bytes(record[at : at + 2], "big")
            found += length.to_bytes(4, "big") + record[at + 2 : at + 2 + length]
            at += 2 + length
        count, at = record[at] if at < len(record) else 0, at + 1
    return found
