"""One owner's files of a recording: appended whole or not at all. Blocking."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from msgspec.structs import replace

from expo.media.recording.layout import index_name, is_media_name, media_name
from expo.media.recording.lines import InitLine, Line, Opened, PartLine, encode_line, whole_lines


class _Growing:
    """A file that only grows; what could not be written whole is cut off again."""

    def __init__(self, path: Path, size: int) -> None:
        self.name = path.name
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self.size = size
        self._torn = True
        self._synced = size

    def append(self, content: bytes) -> None:
        """Raises OSError, and then nothing was written."""
        if self._torn:
            os.ftruncate(self._fd, self.size)
            self._torn = False
        view, at = memoryview(content), 0
        self._torn = True
        while at < len(view):
            at += os.pwrite(self._fd, view[at:], self.size + at)
        self._torn = False
        self.size += at

    def take_back(self, size: int) -> None:
        """Cut off what lies behind `size`, now if the disk lets us, else before the next byte is written."""
        self.size = size
        self._torn = True

    def sync(self) -> None:
        if self._synced != self.size:
            os.fdatasync(self._fd)
            self._synced = self.size

    def close(self) -> None:
        try:
            if self._torn:
                os.ftruncate(self._fd, self.size)
        finally:
            os.close(self._fd)


class OwnerFiles:
    """The index and the media files of one fencing token; nobody else writes them.

    An owner that comes back to its own files goes on behind the last whole line and part. `segments` are the last
    segment numbers there. All methods raise OSError.
    """

    def __init__(self, folder: Path, token: int) -> None:
        self._folder = folder
        self._token = token
        self._media: dict[str, _Growing] = {}
        ends = whole_ends(folder, token)
        self.segments = ends.segments
        self._ends = ends.media
        self._index = _Growing(folder / index_name(token), ends.index)

    @property
    def written(self) -> int:
        """Bytes in the media files."""
        return sum(file.size for file in self._media.values())

    def media_file(self, rendition: str) -> str:
        return media_name(rendition, self._token)

    def media_size(self, rendition: str) -> int:
        """Where the next piece of this rendition will begin."""
        return self._file(rendition).size

    def append(self, content: bytes, line: InitLine | PartLine) -> None:
        """Write a piece of media behind the others, and its line."""
        file = self._file(line.rendition)
        before = file.size
        file.append(content)
        try:
            self._index.append(encode_line(replace(line, crc32=zlib.crc32(content))))
        except OSError:
            file.take_back(before)
            raise

    def note(self, line: Line) -> None:
        """Write a line that has no media."""
        self._index.append(encode_line(line))

    def sync(self) -> None:
        """Media first: a line that survives a power cut has its bytes."""
        for file in self._media.values():
            file.sync()
        self._index.sync()

    def close(self) -> None:
        files = [*self._media.values(), self._index]
        self._media = {}
        failures: list[OSError] = []
        for file in files:
            try:
                file.close()
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _file(self, rendition: str) -> _Growing:
        file = self._media.get(rendition)
        if file is None:
            name = self.media_file(rendition)
            file = self._media[rendition] = _Growing(self._folder / name, self._ends.get(name, 0))
        return file


class Ends:
    """Where the whole lines of an index end, and where the media that they name does."""

    def __init__(self) -> None:
        self.index = 0
        self.media: dict[str, int] = {}
        self.segments: dict[str, int] = {}
        self.last: Line | None = None
        self.at_ms = 0
        """The room clock there."""


def whole_ends(folder: Path, token: int) -> Ends:
    """What an owner has left whole: up to the first line that is torn or whose bytes are not all there."""
    ends = Ends()
    files: dict[str, str] = {}
    try:
        text = (folder / index_name(token)).read_bytes()
    except FileNotFoundError:
        return ends
    for line, end in whole_lines(text):
        if isinstance(line, InitLine | PartLine):
            if isinstance(line, InitLine):
                files[line.rendition] = line.file
            name = files.get(line.rendition, "")
            until = line.offset + line.length
            if not is_media_name(name) or until > _size(folder / name):
                break
            ends.media[name] = until
            if isinstance(line, PartLine):
                ends.segments[line.rendition] = line.segment
                ends.at_ms = max(ends.at_ms, line.at_ms + line.duration_us // 1000)
        elif isinstance(line, Opened):
            ends.at_ms = line.at_ms
        ends.index = end
        ends.last = line
    return ends


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
