"""What a recorder's thread does at each step: frames and commands in, bytes on the disk out. Blocking, no asyncio."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from expo.errors import Conflict
from expo.media.recording.files import OwnerFiles
from expo.media.recording.frames import Frame
from expo.media.recording.layout import owners
from expo.media.recording.lines import CastLine, Closed, GapLine, GapReason, InitLine, Kind, Opened, PartLine
from expo.media.recording.reader import read_recording
from expo.media.recording.segmenter import Segmenter
from expo.media.recording.timeline import GapPiece, InitPiece, PartPiece, Piece

SYNC_US = 1_000_000
RETRY_US = 5_000_000
# A picture that nobody can start to decode for so long will not come by itself.
BLIND_US = 10_000_000
DISK_FULL, DISK_FAILED = "recording.disk_full", "recording.disk_failed"
STALE, NO_PICTURE = "recording.stale_token", "recording.no_picture"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Keep:
    """Content is kept from here on, or not; `who` is on (nobody: it is not said), since `at_us` (server time)."""

    on: bool
    who: tuple[str, ...] = ()
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """A chapter begins."""


Item = Frame | Keep | Cut


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be kept now (`recording.disk_full`, `.disk_failed`, `.stale_token`); `over`: it can again.

    `recording.no_picture`: sound is kept, and a picture comes that has no key frame or none that can be read.
    """

    code: str
    over: bool = False


class Writer:
    """One owner's recording. `now_us` is always server time (monotonic), `clock` the room clock (Unix ms).

    A disk that fails or has less than `least_free_bytes` left ends what is kept, in parts that play; every RETRY_US it
    is looked at again. A newer owner ends it for good. `tell` hears all of that.
    """

    def __init__(
        self,
        folder: Path,
        recording: str,
        token: int,
        kinds: Mapping[str, Kind],
        *,
        clock: Callable[[], int],
        tell: Callable[[Trouble], None],
        least_free_bytes: int,
    ) -> None:
        self.gaps = 0
        self.free_bytes = 0
        self.failing: str | None = None
        self._folder = folder
        self._recording = recording
        self._token = token
        self._kinds = kinds
        self._clock = clock
        self._tell = tell
        self._least_free_bytes = least_free_bytes
        self._files: OwnerFiles | None = None
        self._segmenter = Segmenter(kinds, start_us=0, ended_us=0)
        self._origin_us = 0
        self._written_us = 0
        self._before_us = 0
        self._before_bytes = 0
        self._looked_us = 0
        self._blind = False
        self._who: tuple[str, ...] = ()
        self._casts: deque[CastLine] = deque()

    @property
    def kept_ms(self) -> int:
        return (self._before_us + self._segmenter.kept_us) // 1000

    @property
    def bytes(self) -> int:
        return self._before_bytes + (0 if self._files is None else self._files.written)

    @property
    def dropped(self) -> int:
        return self._segmenter.dropped

    @property
    def av_offset_ms(self) -> int:
        return self._segmenter.sound_off_us // 1000

    @property
    def key_wanted(self) -> bool:
        return self._segmenter.key_wanted

    def open(self, now_us: int) -> None:
        """Take the recording over. Raises Conflict("recording.stale_token"); a disk that fails is tried again later."""
        try:
            self._open(now_us)
            self._look_after(now_us)
        except OSError as error:
            self._fail(error, now_us)

    def step(self, items: Iterable[Item], now_us: int) -> None:
        """Take what has come, and write what is complete."""
        if self.failing is not None:
            self._try_again(now_us)
        for item in items:
            self._take(item, now_us)
        self._segmenter.advance(now_us - self._origin_us)
        self._look_at_pictures(now_us - self._origin_us)
        if self.failing is not None:
            return
        try:
            self._write(self._segmenter.pieces(), now_us)
            if now_us - self._looked_us >= SYNC_US and self._files is not None:
                self._looked_us = now_us
                self._files.sync()
                self._look_after(now_us)
        except OSError as error:
            self._fail(error, now_us)

    def close(self, reason: str, now_us: int) -> None:
        """End what is kept, and say so in the index as far as the disk allows. Idempotent."""
        self._segmenter.stop("unkept")
        files = self._files
        if files is None:
            return
        try:
            self._write(self._segmenter.pieces(), now_us)
            files.note(Closed(self._clock(), reason))
            files.sync()
        except OSError:
            pass  # what was written before plays; `repair` says that it has ended
        finally:
            self._files = None
            self._before_bytes += files.written
            self._let_go(files)

    def _take(self, item: Item, now_us: int) -> None:
        match item:
            case Frame():
                self._segmenter.take(item, item.captured_us - self._origin_us)
            case Keep(on=True):
                self._note_cast(item)
                if self.failing is None:
                    self._segmenter.start(now_us - self._origin_us)
            case Keep():
                self._segmenter.stop("unkept")
            case Cut():
                self._segmenter.cut(now_us - self._origin_us)
            case _:
                assert_never(item)

    def _open(self, now_us: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if max(owners(self._folder), default=0) > self._token:
            raise Conflict("recording.stale_token", "a newer owner records here")
        before = read_recording(self._folder)
        at_ms = self._clock()
        epoch_ms = at_ms if before is None else before.epoch_ms
        ended_us = 0 if before is None else before.end_us
        start_us = max((at_ms - epoch_ms) * 1000, ended_us)
        files = OwnerFiles(self._folder, self._token)
        try:
            files.note(Opened(self._recording, self._token, epoch_ms, at_ms))
        except OSError:
            self._let_go(files)
            raise
        self._files = files
        self._origin_us = now_us - start_us
        self._written_us = ended_us
        if before is not None:
            own = {files.media_file(name) for name in self._kinds}
            spans = [segment for rendition in before.renditions for segment in rendition.segments]
            self._before_bytes = before.bytes - sum(self._size(name) for name in own)
            self._before_us = max(
                (sum(each.duration_us for each in rendition.segments) for rendition in before.renditions), default=0
            )
            self.gaps = len(before.gaps) + (1 if spans else 0)
        self._segmenter = Segmenter(
            self._kinds,
            start_us=start_us,
            ended_us=ended_us,
            reason="unkept" if before is None or before.closed else "lost",
            segments=files.segments,
        )

    def _size(self, name: str) -> int:
        path = self._folder / name
        return path.stat().st_size if path.exists() else 0

    def _write(self, pieces: Iterable[Piece], now_us: int) -> None:
        files = self._files
        if files is None:
            return
        while self._casts:  # before anything that shows them
            files.note(self._casts[0])
            self._casts.popleft()
        epoch_to_room_ms = self._clock() - (now_us - self._origin_us) // 1000
        for piece in pieces:
            match piece:
                case PartPiece():
                    offset, length = files.media_size(piece.rendition), len(piece.data)
                    at_ms = epoch_to_room_ms + piece.start_us // 1000
                    files.append(
                        piece.data,
                        PartLine(
                            piece.rendition,
                            piece.segment,
                            offset,
                            length,
                            piece.start_us,
                            piece.duration_us,
                            at_ms,
                            piece.independent,
                            off_us=piece.off_us,
                        ),
                    )
                    self._written_us = max(self._written_us, piece.start_us + piece.duration_us)
                case InitPiece():
                    files.append(
                        piece.data,
                        InitLine(
                            piece.rendition,
                            piece.kind,
                            files.media_file(piece.rendition),
                            files.media_size(piece.rendition),
                            len(piece.data),
                            piece.codecs,
                            piece.width,
                            piece.height,
                        ),
                    )
                case GapPiece():
                    files.note(GapLine(piece.start_us, piece.duration_us, piece.reason))
                    self.gaps += piece.duration_us > 0
                case _:
                    assert_never(piece)

    def _note_cast(self, keep: Keep) -> None:
        if keep.who != self._who and self._files is not None:
            self._who = keep.who
            self._casts.append(CastLine(keep.at_us - self._origin_us, keep.who))

    def _look_at_pictures(self, media_us: int) -> None:
        since_us = self._segmenter.blind_us
        is_blind = since_us is not None and (self._blind or media_us - since_us >= BLIND_US)
        if is_blind != self._blind:
            self._blind = is_blind
            self._tell(Trouble(NO_PICTURE, over=not is_blind))

    def _look_after(self, now_us: int) -> None:
        """Stop before the disk is full, and when somebody else has the recording."""
        if max(owners(self._folder), default=0) > self._token:
            self._end_for(STALE, "unkept", now_us)
        elif self._free() < self._least_free_bytes:
            self._end_for(DISK_FULL, "disk", now_us)

    def _end_for(self, code: str, reason: GapReason, now_us: int) -> None:
        self._segmenter.stop(reason)
        self._write(self._segmenter.pieces(), now_us)
        self._say(code, now_us)

    def _free(self) -> int:
        disk = os.statvfs(self._folder)
        self.free_bytes = disk.f_bavail * disk.f_frsize
        return self.free_bytes

    def _fail(self, error: OSError, now_us: int) -> None:
        self._segmenter.fail(self._written_us)
        self._say(DISK_FULL if error.errno in _FULL else DISK_FAILED, now_us)

    def _say(self, code: str, now_us: int) -> None:
        self._looked_us = now_us
        before, self.failing = self.failing, code
        if self._blind:
            self._blind = False
            self._tell(Trouble(NO_PICTURE, over=True))
        if before is None:
            self._tell(Trouble(code))

    def _try_again(self, now_us: int) -> None:
        if now_us - self._looked_us < RETRY_US or self.failing == STALE:
            return
        self._looked_us = now_us
        try:
            if self._files is None:
                self._open(now_us)
            if self._free() < self._least_free_bytes:
                return
        except OSError:
            return
        code, self.failing = self.failing, None
        self._tell(Trouble(code or DISK_FAILED, over=True))

    def _let_go(self, files: OwnerFiles) -> None:
        with contextlib.suppress(OSError):  # it is closed all the same
            files.close()
