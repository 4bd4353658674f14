"""What the stage shows and who is heard: decided from a room's state and from what is published. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from expo.ids import ExhibitorId, ParticipantId, ResourceId
from expo.rooms.model import Source, State, exhibitor_on, presenters, segment_of, upcoming

LOUDER_US = 300_000
"""For so long somebody has to be louder than whoever has the floor: longer than a cough, shorter than a sentence."""
SPEAKS = 0.25
"""Quieter than this (-47 dBov) nobody takes the floor: that is a room, not a voice."""
HOLD_US = 1_500_000
"""For so long nobody else gets the floor once it has changed."""


@dataclass(frozen=True, slots=True)
class Published:
    """One publication whose media has arrived; an encoder's `seat` is its person's.

    One that `waits` is backstage: viewers see it only when the room points at it or its company is on.
    """

    id: ResourceId
    seat: ParticipantId
    source: Source
    since_us: int
    waits: bool = False


class Choice(NamedTuple):
    """What to show; whom to hear unless somebody else among `voices` speaks: the first of them."""

    picture: Published | None
    voices: tuple[Published, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """Who is heard since when, and who has been louder since when; times on the monotonic clock."""

    holder: ResourceId | None = None
    since_us: int = 0
    louder: ResourceId | None = None
    louder_since_us: int = 0


NEXT = "next"
"""A preview of whoever is to come, as the run of show has it; every other one is of one seat."""
NOBODY = Choice(None, ())
SILENCE = Floor()


def choose(state: State | None, published: Sequence[Published], shown: Published | None) -> Choice:
    """`shown` is what was shown before; without a `state` nobody has opened the room, and an encoder has it to itself.

    The picture is where the room points it; else with the company that is on; else whoever is shown stays; else the
    camera that has been there longest and does not wait. Of two publications of one seat the newest counts, one that
    does not wait before one that does. A screen's sound is not used, and nobody hears who is muted.
    """
    if state is not None:
        published = [each for each in published if each.seat not in state.removed]
    picture = _picture(state, published, shown)
    return Choice(picture, _voices(state, published, picture))


def preview(state: State | None, published: Sequence[Published], of: str) -> Choice:
    """What the crew sees and hears of a seat's camera, be it backstage or on; with `NEXT` of the company to come.

    Of several of that company it is the one whom the stage would show first.
    """
    seats = [ParticipantId(of)]
    if of == NEXT:
        segment = upcoming(state) if state else None
        seats = presenters(state, segment.exhibitor) if state and segment else []
    for seat in seats:
        found = _of(published, seat, "camera")
        if found is not None and (state is None or seat not in state.removed):
            muted = state is not None and seat in state.seats and state.seats[seat].muted
            return Choice(found, () if muted else (found,))
    return NOBODY


def spared(state: State | None, published: Sequence[Published], choice: Choice) -> frozenset[ResourceId]:
    """Cameras that need no full rate: of companies that neither are on, nor come next, nor may come back by undo."""
    if state is None:
        return frozenset()
    segment = upcoming(state)
    back = segment_of(state, state.undo.back) if state.undo else None
    near = {exhibitor_on(state), segment and segment.exhibitor, back and back.exhibitor, None}
    used = {each.id for each in (choice.picture, *choice.voices) if each is not None}
    cameras = (each for each in _cameras(published) if each.id not in used)
    return frozenset(each.id for each in cameras if _company(state, each.seat) not in near)


def follow(floor: Floor, voices: Sequence[ResourceId], levels: Mapping[ResourceId, float], now_us: int) -> Floor:
    """The floor a moment later; the holder keeps it until somebody has been louder for long enough.

    `levels` are 0 to 1; a voice without one (its sender tells none) neither takes the floor by speaking nor, being the
    first of `voices`, loses it.
    """
    if not voices:
        return SILENCE
    if floor.holder not in voices or voices[0] not in levels:
        return floor if floor.holder == voices[0] else Floor(voices[0], now_us)
    loudest = max((voice for voice in voices if voice in levels), key=lambda voice: levels[voice])
    if levels[loudest] <= max(SPEAKS, levels.get(floor.holder or voices[0], 0.0)):
        return replace(floor, louder=None)
    if loudest != floor.louder:
        return replace(floor, louder=loudest, louder_since_us=now_us)
    if now_us - floor.louder_since_us < LOUDER_US or now_us - floor.since_us < HOLD_US:
        return floor
    return Floor(loudest, now_us)


def _picture(state: State | None, published: Sequence[Published], shown: Published | None) -> Published | None:
    held = shown and (_of(published, shown.seat, shown.source) or _of(published, shown.seat, "camera"))
    if state is None or state.phase in ("draft", "waiting"):
        before = [each for each in published if not each.waits]
        return held if held in before else _longest(before)
    pointed = state.picture
    if pointed is not None:
        found = _of(published, pointed.seat, pointed.source) or _of(published, pointed.seat, "camera")
        if found is not None:
            return found
    for company in (_company(state, pointed.seat) if pointed else None, exhibitor_on(state)):
        mates = [each for each in _cameras(published) if company is not None and _company(state, each.seat) == company]
        if mates:
            return held if held in mates else _newest(mates)
    return held or _longest([each for each in published if not each.waits])


def _voices(state: State | None, published: Sequence[Published], picture: Published | None) -> tuple[Published, ...]:
    seats = [picture.seat] if picture else []
    muted = frozenset[ParticipantId]()
    if state is not None:
        company = exhibitor_on(state)
        seats += [each.seat for each in published if company is not None and _company(state, each.seat) == company]
        muted = frozenset(name for name, seat in state.seats.items() if seat.muted)
    heard = (_of(published, seat, "camera") for seat in dict.fromkeys(seats) if seat not in muted)
    return tuple(each for each in heard if each is not None)


def _company(state: State, seat: ParticipantId) -> ExhibitorId | None:
    found = state.seats.get(seat)
    return found.exhibitor if found else None


def _cameras(published: Iterable[Published]) -> list[Published]:
    return [each for each in published if each.source == "camera"]


def _of(published: Iterable[Published], seat: ParticipantId, source: Source) -> Published | None:
    return _newest(each for each in published if (each.seat, each.source) == (seat, source))


def _newest(published: Iterable[Published]) -> Published | None:
    return max(published, key=lambda each: (not each.waits, each.since_us), default=None)


def _longest(published: Sequence[Published]) -> Published | None:
    found = min(_cameras(published), key=lambda each: each.since_us, default=None)
    return found and _of(published, found.seat, "camera")
