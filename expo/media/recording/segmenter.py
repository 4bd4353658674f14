"""Frames of all renditions in, pieces of files out: when content begins and ends, and segments together. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from expo.media.recording.frames import Frame
from expo.media.recording.index import HOLE_US
from expo.media.recording.lines import GapReason, Kind
from expo.media.recording.picture_track import PictureTrack
from expo.media.recording.sound_track import SoundTrack
from expo.media.recording.timeline import Boundary, GapPiece, Piece

# Sound waits for so long for the first picture, and a cut for its key frame.
WAIT_US = 2_000_000
# A picture that is behind the sound by more is not waited for.
_BEHIND_US = 500_000
_EARLY_PACKETS = 400
_FOR_EVER = 1 << 62


class Segmenter:
    """Times are media time (us). Nothing is kept before `start` and after `stop`."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        *,
        start_us: int,
        ended_us: int,
        reason: GapReason = "unkept",
        segments: Mapping[str, int] | None = None,
    ) -> None:
        """Begins at `start_us`; what lies before ended at `ended_us`, and `reason` is why there is a gap between.

        `segments` are the last numbers that were given, by rendition.
        """
        self.pictures = {name: PictureTrack(name) for name, kind in kinds.items() if kind == "video"}
        self.sounds = {name: SoundTrack(name) for name, kind in kinds.items() if kind == "audio"}
        for name, track in (*self.pictures.items(), *self.sounds.items()):
            track.segment = (segments or {}).get(name, -1)
        self._keeping = False
        self._waiting = False
        self._waits_until_us = 0
        self._cut_until_us: int | None = None
        self._floor_us = start_us
        self._ended_us = ended_us
        self._reason: GapReason = reason
        self._early: deque[tuple[Frame, int]] = deque(maxlen=_EARLY_PACKETS)
        self._gaps: list[Piece] = []

    @property
    def key_wanted(self) -> bool:
        """A picture can go on from the next key frame only."""
        return self._keeping and any(track.waiting for track in self.pictures.values())

    @property
    def blind_us(self) -> int | None:
        """Since when a picture comes that cannot be shown."""
        found = [track.blind_us for track in self.pictures.values() if track.blind_us is not None]
        return min(found, default=None) if self._keeping else None

    @property
    def kept_us(self) -> int:
        return max((track.kept_us for track in (*self.pictures.values(), *self.sounds.values())), default=0)

    @property
    def dropped(self) -> int:
        return sum(track.dropped for track in (*self.pictures.values(), *self.sounds.values()))

    @property
    def sound_off_us(self) -> int:
        """How much later than its capture the newest sound lies, of all renditions the worst."""
        return max((track.off_us for track in self.sounds.values()), key=abs, default=0)

    def start(self, now_us: int) -> None:
        """Begin with the next key frame; without a picture with the sound, a little later."""
        if self._keeping:
            return
        self._keeping = self._waiting = True
        self._waits_until_us = now_us + WAIT_US
        for track in (*self.pictures.values(), *self.sounds.values()):
            track.begin(self._floor_us)

    def stop(self, reason: GapReason) -> None:
        """End parts and segments with what came so far."""
        if self._keeping and not self._waiting:
            until_us = max((track.newest_us or 0 for track in self.sounds.values()), default=0)
            for track in self.pictures.values():
                track.end(until_us)
            self._share_boundaries()
            for track in self.sounds.values():
                track.end()
            self._end(max(track.end_us for track in (*self.pictures.values(), *self.sounds.values())), reason)
        self._rest()

    def fail(self, written_us: int) -> None:
        """What is not written is lost, and a disk is why; what was written ends at `written_us`."""
        for track in (*self.pictures.values(), *self.sounds.values()):
            self._floor_us = max(self._floor_us, track.end_us)
            track.forget()
        self._gaps.clear()
        self._ended_us = max(self._ended_us, written_us)
        self._reason = "disk"
        self._rest()

    def cut(self, now_us: int) -> None:
        """Begin a segment at the next key frame; sound does so at latest in WAIT_US."""
        if self._keeping and not self._waiting:
            self._cut_until_us = now_us + WAIT_US
            for track in self.pictures.values():
                track.cut_due = True

    def take(self, frame: Frame, media_us: int) -> None:
        """One frame, captured at this time."""
        if not self._keeping:
            return
        picture = self.pictures.get(frame.rendition)
        if picture is not None:
            picture.take(frame, media_us)
            if self._waiting and picture.newest_us is not None:
                self._begin(picture.newest_us)
        elif self._waiting:
            self._early.append((frame, media_us))
        else:
            self.sounds[frame.rendition].take(frame, media_us)

    def advance(self, now_us: int) -> None:
        """Do what is due by time alone, and make parts of what is complete."""
        if self._waiting and self._early and now_us >= self._waits_until_us:
            self._begin(max(self._floor_us, self._early[0][1]))
        if not self._keeping or self._waiting:
            return
        for track in (*self.pictures.values(), *self.sounds.values()):
            track.advance(now_us)
        self._share_boundaries()
        if self._cut_until_us is not None and now_us >= self._cut_until_us:
            self._cut_until_us = None
            for track in self.sounds.values():
                track.boundaries.append(Boundary(now_us, anew=False))
        seen_us = min((track.newest_us for track in self.pictures.values() if track.newest_us is not None), default=0)
        for track in self.sounds.values():
            behind = (track.newest_us or 0) - seen_us > _BEHIND_US
            track.write(_FOR_EVER if behind else seen_us, alone=behind)

    def pieces(self) -> list[Piece]:
        """What is to be written now, in order for each rendition; it is handed out once."""
        found = [*self._gaps]
        self._gaps.clear()
        for track in (*self.pictures.values(), *self.sounds.values()):
            found += track.pieces
            track.pieces.clear()
        return found

    def _begin(self, at_us: int) -> None:
        self._waiting = False
        if at_us - self._ended_us > HOLE_US:
            self._gaps.append(GapPiece(self._ended_us, at_us - self._ended_us, self._reason))
        for frame, media_us in self._early:
            if media_us >= at_us - HOLE_US:
                self.sounds[frame.rendition].take(frame, media_us)
        self._early.clear()

    def _end(self, end_us: int, reason: GapReason) -> None:
        self._floor_us = self._ended_us = end_us
        self._reason = reason
        self._gaps.append(GapPiece(end_us, 0, reason))

    def _rest(self) -> None:
        self._keeping = self._waiting = False
        self._cut_until_us = None
        self._early.clear()

    def _share_boundaries(self) -> None:
        for picture in self.pictures.values():
            for boundary in picture.boundaries:
                self._cut_until_us = None
                for sound in self.sounds.values():
                    sound.boundaries.append(boundary)
            picture.boundaries.clear()
