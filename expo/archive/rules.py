"""What is kept and who may see it: consents, chapters, audiences, retention. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from expo.accounts.rules import participants_of
from expo.clock import unix_ms
from expo.ids import ExhibitorId, PersonId, SegmentId
from expo.media.recording.playlist import Selection, Stretch
from expo.store.words import Words

Scope = Literal["everyone", "invited", "nobody"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
Cause = Literal["organiser", "retention"]
CAUSES: tuple[Cause, ...] = get_args(Cause)
Standing = Literal["shown", "nobody", "undecided", "no_consent", "invited", "hidden", "withdrawn", "not_kept"]

KEEP_DAYS = 180
MOST_KEEP_DAYS = 3650
TITLE_CHARS = 120
MOST_TRIM_S = 14_400
KEY_LIFE = timedelta(hours=12)
"""A long working day, as with room tokens: a replay that was left open in the morning still plays in the evening."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HANDOVER_US = 2_000_000
"""At a change the picture before stays for a moment: who is in the first or last of a part alone is not in it."""
_STRICTEST = ("nobody", "invited", "everyone")


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something plays: the agency's own `crew`, `staff` of one exhibitor, people of the expo, or anybody."""

    kind: Literal["crew", "staff", "invited", "all"]
    exhibitor: ExhibitorId | None = None

    @property
    def is_crew(self) -> bool:
        return self.kind == "crew"

    @property
    def is_invited(self) -> bool:
        return self.kind != "all"

    def owns(self, exhibitor: ExhibitorId) -> bool:
        return self.kind == "staff" and self.exhibitor == exhibitor


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision; `exhibitor` is None for hosts, who speak for no company."""

    person: PersonId
    exhibitor: ExhibitorId | None
    record: bool
    publish: Scope
    ends_at: datetime | None

    def scope(self, now: datetime) -> Scope:
        """To whom it lets the person be shown now."""
        if self.record and not self.is_over(now):
            return self.publish
        return "nobody"

    def is_over(self, now: datetime) -> bool:
        return self.ends_at is not None and now >= self.ends_at


@dataclass(frozen=True, slots=True)
class Edit:
    """What an organiser changed in a chapter."""

    title: Words | None = None
    trim_start_s: int = 0
    trim_end_s: int = 0
    hidden: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One company's part of a show, on from `started_at` until `ended_at`."""

    segment: SegmentId
    exhibitor: ExhibitorId
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part that has begun, in media time; `whole` before it was trimmed. `number` counts from 1 in order of time."""

    segment: SegmentId
    exhibitor: ExhibitorId
    number: int
    whole: Stretch
    cut: Stretch
    edit: Edit = field(default_factory=Edit)
    cast: frozenset[str] | None = None
    """Who is seen or heard in what is left of it; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Rights:
    """All that decides who sees what of one recording. `decisions` in the order in which they were made."""

    visibility: Scope
    deleted: bool
    decisions: tuple[Decision, ...]
    edits: Mapping[SegmentId, Edit]

    def published(self, chapter: Chapter, now: datetime) -> Scope:
        """To whom the company's presenters, and whoever else is seen or heard in its chapter, let it be shown.

        The strictest counts, of those who ever let themselves be recorded: of the others nothing was kept. Where no
        presenter of the company ever did, nobody: silence is never consent. Whoever is not in it has no say, be it
        their show; only where nobody knows who is in it all hosts have.
        """
        own = self._own(chapter)
        others = [one for one in self._recorded() if one.exhibitor != chapter.exhibitor and _is_in(one, chapter)]
        return strictest([one.scope(now) for one in (*own, *others)]) if own else "nobody"

    def _recorded(self) -> Iterable[Decision]:
        recorded = {one.person for one in self.decisions if one.record}
        return {one.person: one for one in self.decisions if one.person in recorded}.values()

    def _own(self, chapter: Chapter) -> list[Decision]:
        return [one for one in self._recorded() if one.exhibitor == chapter.exhibitor]

    def standing(self, chapter: Chapter, now: datetime, *, is_kept: bool) -> Standing:
        """Why a chapter is or is not shown, as its keepers read it: never who of several has declined."""
        if not is_kept:
            return "not_kept"
        if chapter.edit.withdrawn:
            return "withdrawn"
        if chapter.edit.hidden:
            return "hidden"
        if self.visibility == "nobody":
            return "nobody"
        consent = self.published(chapter, now)
        if consent == "nobody":
            return "no_consent" if self._own(chapter) else "undecided"
        return "shown" if strictest((consent, self.visibility)) == "everyone" else "invited"

    def shows(self, chapter: Chapter, reader: Reader, now: datetime) -> bool:
        """Whether a chapter plays for this reader. A withdrawn one plays for nobody."""
        if self.deleted or chapter.edit.withdrawn:
            return False
        if reader.is_crew or reader.owns(chapter.exhibitor):
            return True
        if chapter.edit.hidden:
            return False
        match strictest((self.visibility, self.published(chapter, now))):
            case "everyone":
                return True
            case "invited":
                return reader.is_invited
            case "nobody":
                return False


def strictest(scopes: Sequence[Scope]) -> Scope:
    """The smallest audience of several."""
    return min(scopes, key=_STRICTEST.index)


def recordable(decisions: Iterable[Decision], now: datetime) -> frozenset[PersonId]:
    """Whose latest decision lets them be recorded now; `decisions` in the order in which they were made."""
    last = {one.person: one for one in decisions}
    return frozenset(person for person, one in last.items() if one.record and not one.is_over(now))


def chapters(
    parts: Sequence[Part],
    edits: Mapping[SegmentId, Edit],
    media_us: Callable[[int], int],
    end_us: int,
    cast: Callable[[int, int], frozenset[str] | None] = lambda _start_us, _end_us: None,
) -> tuple[Chapter, ...]:
    """The parts that have begun, in the order of time, until `end_us` where they have no end.

    `media_us` maps Unix ms on the room's clock to media time, `cast` says who is on in a stretch of it. A part that
    went on the air twice has its last time.
    """
    begun = sorted((part for part in parts if part.started_at is not None), key=lambda part: part.started_at or _EPOCH)
    found: list[Chapter] = []
    for part in begun:
        start = media_us(unix_ms(part.started_at or _EPOCH))
        end = max(start, end_us if part.ended_at is None else media_us(unix_ms(part.ended_at)))
        edit = edits.get(part.segment, Edit())
        first = min(end, start + edit.trim_start_s * 1_000_000)
        last = max(first, end - (edit.trim_end_s * 1_000_000 if part.ended_at is not None else 0))
        whole, cut = Stretch(start, end), Stretch(first, last)
        on = cast(*_without_handovers(whole, cut))
        found.append(Chapter(part.segment, part.exhibitor, len(found) + 1, whole, cut, edit, on))
    return tuple(found)


def _without_handovers(whole: Stretch, cut: Stretch) -> tuple[int, int]:
    start_us, end_us = max(cut.start_us, whole.start_us + HANDOVER_US), min(cut.end_us, whole.end_us - HANDOVER_US)
    return (start_us, end_us) if start_us < end_us else (cut.start_us, cut.end_us)


def _is_in(one: Decision, chapter: Chapter) -> bool:
    if chapter.cast is None:
        return one.exhibitor is None
    return not chapter.cast.isdisjoint(participants_of(one.person))


def selection(every: Sequence[Chapter], shown: Iterable[Chapter]) -> Selection:
    """What plays when `shown` of all chapters do: nothing of the others, not even where pieces of media overlap."""
    wanted = {chapter.segment for chapter in shown}
    withheld: list[Stretch] = []
    for chapter in every:
        if chapter.segment not in wanted:
            withheld.append(chapter.whole)
        else:
            withheld += [
                Stretch(chapter.whole.start_us, chapter.cut.start_us), Stretch(chapter.cut.end_us, chapter.whole.end_us)
            ]  # fmt: skip
    return Selection(
        shown=tuple(chapter.cut for chapter in every if chapter.segment in wanted and chapter.cut.length_us),
        withheld=tuple(stretch for stretch in withheld if stretch.length_us),
    )


def kept_until(ended_at: datetime | None, keep_days: int) -> datetime | None:
    """When the files are deleted; None while the show is not over."""
    return None if ended_at is None else ended_at + timedelta(days=keep_days)
