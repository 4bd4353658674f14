"""What is kept of live rooms: decided from a room's state, its stage and its people's consent, by the room's owner.

A packet is kept only while everybody who is shown or heard has agreed, and only if it is one of theirs: nobody learns
who has not (docs/protocol.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from expo.errors import Conflict, ExpoError
from expo.ids import ParticipantId, RoomId
from expo.kit.logging import get_logger
from expo.kit.tasks import Nursery
from expo.media.recording.layout import recording_folder
from expo.media.recording.recorder import Recorder, RecordingHealth
from expo.media.recording.writer import DISK_FAILED, DISK_FULL, NO_PICTURE, STALE
from expo.rooms import events as be
from expo.rooms.commands import ReportRecording
from expo.rooms.events import Entry
from expo.rooms.host import RoomHost
from expo.rooms.model import State, Trouble
from expo.rooms.room import Room, now_ms
from expo.rooms.stage import Choice

POLICY_S = 8.0
"""How long the rows may take; longer than SQLite's busy timeout."""
REVIEW_S = 5.0
"""Consent that this worker was not told of counts after so long, while there is anything to keep."""
_BEGINS_PART = (be.WentLive, be.Resumed, be.Advanced, be.NextUndone, be.SegmentFinished)

_TROUBLES: dict[str, Trouble] = {
    DISK_FULL: "disk_full",
    DISK_FAILED: "disk_failed",
    STALE: "taken_over",
    NO_PICTURE: "no_picture",
}

log = get_logger(__name__)


class RecordingPolicy(Protocol):
    """Implemented by the feature that keeps recordings."""

    async def consents(self, room: RoomId) -> frozenset[ParticipantId]:
        """Whose picture and voice may be kept now. Unavailable `store.*`."""
        ...

    async def begun(self, room: RoomId) -> None:
        """Something is kept of this room; harmless to repeat. Unavailable `store.*`."""
        ...

    def ended(self, room: RoomId) -> None:
        """All that was kept of this room's show is written."""
        ...


def kept(state: State, choice: Choice, consents: Collection[ParticipantId]) -> bool:
    """Whether what viewers see and hear may be kept: the show is live, somebody is on, and all of them agree. Pure."""
    on = cast(choice)
    return state.phase == "live" and bool(on) and on <= set(consents)


def cast(choice: Choice) -> frozenset[ParticipantId]:
    """Who is seen or may be heard. Pure."""
    return frozenset(each.seat for each in (choice.picture, *choice.voices) if each is not None)


@dataclass(slots=True)
class _Tape:
    """One owned room and its recorder, if it has one now."""

    room: Room
    told: ReportRecording
    consents: frozenset[ParticipantId] = frozenset()
    recorder: Recorder | None = None
    trouble: Trouble | None = None
    begun: bool = False
    over: bool = False
    idle: bool = False
    """Nothing can be kept now, whoever agrees: nobody is asked for."""
    news: asyncio.Event = field(default_factory=asyncio.Event)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Consents are read one after the other, so that what was read last was asked last."""


class Recordings:
    """The recorders of this worker's rooms. `attend` every room that is taken over, `forget` every one that is lost."""

    def __init__(self, folder: Path, host: RoomHost, policy: RecordingPolicy) -> None:
        self._folder = folder
        self._host = host
        self._policy = policy
        self._tapes: dict[RoomId, _Tape] = {}
        self._nursery = Nursery("recordings")

    async def close(self) -> None:
        """End every recording as it is. Idempotent."""
        await self._nursery.close()

    def attend(self, room: Room) -> None:
        """Keep of this room what may be kept, until it ends. Harmless to repeat."""
        name = room.lease.room
        before = self._tapes.get(name)
        if before is not None and before.room is not room:
            self._finish(before)
            before = None
        if before is None and room.state.phase != "ended":
            tape = self._tapes[name] = _Tape(room, ReportRecording(on=room.state.recording, trouble=room.state.trouble))
            room.listen(lambda _before, entry: self._hear(tape, entry))
            self._nursery.start(f"tape.{name}", self._run(tape))

    def forget(self, room: RoomId) -> None:
        """Another worker has the room."""
        if tape := self._tapes.get(room):
            self._finish(tape)

    def directed(self, room: RoomId) -> None:
        """The stage shows or lets be heard somebody else. Takes effect before the next packet."""
        if tape := self._tapes.get(room):
            self._apply(tape)
            if tape.idle and self._concerns(tape):
                tape.news.set()

    async def review(self, room: RoomId) -> None:
        """Somebody has given or withdrawn consent; returns once that counts. Raises what the policy raises."""
        if tape := self._tapes.get(room):
            await self._review(tape)

    def health(self, room: RoomId) -> RecordingHealth | None:
        """How the recording does; None where nothing is being recorded by this worker."""
        tape = self._tapes.get(room)
        return tape.recorder.health if tape and tape.recorder else None

    def _hear(self, tape: _Tape, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, _BEGINS_PART) and tape.recorder is not None:
            tape.recorder.cut()
        if isinstance(event, be.Ended):
            self._finish(tape)

    def _apply(self, tape: _Tape) -> None:
        """Have the recorder take what may be kept now, and the room say so."""
        name, state, recorder = tape.room.lease.room, tape.room.state, tape.recorder
        choice = self._host.choice(name)
        on = not tape.over and kept(state, choice, tape.consents)
        if recorder is not None:
            recorder.keep(self._host.tracks_of(name, tape.consents) if on else (), cast(choice))
        elif on:
            tape.news.set()
        self._tell(tape, on=on and recorder is not None)

    def _tell(self, tape: _Tape, *, on: bool) -> None:
        report = ReportRecording(on=on and tape.trouble in {None, "no_picture"}, trouble=tape.trouble)
        if report != tape.told and tape.room.post(report):
            tape.told = report

    def _finish(self, tape: _Tape) -> None:
        tape.over = True
        self._apply(tape)
        tape.news.set()

    async def _run(self, tape: _Tape) -> None:
        """The recorder's life: from the first that may be kept until the room ends, is lost, or this worker stops."""
        try:
            while not tape.over:
                try:
                    await self._look_after(tape)
                except Conflict as error:  # a later owner has begun to record
                    log.warning("another worker records this room", room=tape.room.lease.room, error=error.code)
                    self._in_trouble(tape, "taken_over")
                    return
                except (ExpoError, OSError, TimeoutError) as error:
                    log.warning("recording waits", room=tape.room.lease.room, error=getattr(error, "code", str(error)))
                    self._in_trouble(tape, "disk_failed" if isinstance(error, OSError) else tape.trouble)
                tape.idle = not self._concerns(tape)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(None if tape.idle else REVIEW_S):
                        await tape.news.wait()
                tape.news.clear()
        finally:
            await self._close(tape)

    def _concerns(self, tape: _Tape) -> bool:
        """Whether it matters who agrees: something is being kept, or somebody is on."""
        on_air = tape.room.state.phase == "live" and bool(cast(self._host.choice(tape.room.lease.room)))
        return tape.recorder is not None or on_air

    async def _look_after(self, tape: _Tape) -> None:
        await self._review(tape)
        name = tape.room.lease.room
        if tape.recorder is None and kept(tape.room.state, self._host.choice(name), tape.consents):
            tape.recorder = recorder = await self._open(tape)
            failing = recorder.health.failing  # which may have been told before there was a recorder
            self._in_trouble(tape, None if failing is None else _TROUBLES[failing])
        if tape.recorder is not None and not tape.begun:
            async with asyncio.timeout(POLICY_S):
                await self._policy.begun(name)
            tape.begun = True

    async def _open(self, tape: _Tape) -> Recorder:
        name = tape.room.lease.room
        feeds = self._host.hold(name)
        try:
            return await Recorder.open(
                recording_folder(self._folder, name),
                name,
                tape.room.lease.token,
                feeds=feeds,
                clock=now_ms,
                on_trouble=lambda told: self._in_trouble(tape, None if told.over else _TROUBLES[told.code]),
            )
        except BaseException:
            self._host.release(name)
            raise

    async def _review(self, tape: _Tape) -> None:
        async with tape.turn, asyncio.timeout(POLICY_S):
            tape.consents = await self._policy.consents(tape.room.lease.room)
        self._apply(tape)

    def _in_trouble(self, tape: _Tape, trouble: Trouble | None) -> None:
        tape.trouble = trouble
        self._apply(tape)

    async def _close(self, tape: _Tape) -> None:
        name = tape.room.lease.room
        if self._tapes.get(name) is tape:
            del self._tapes[name]
        if tape.recorder is not None:
            recorder, tape.recorder = tape.recorder, None
            await recorder.close("moved" if tape.room.lost else "ended" if tape.over else "stopped")
            self._host.release(name)
            if tape.over and not tape.room.lost:
                self._policy.ended(name)
