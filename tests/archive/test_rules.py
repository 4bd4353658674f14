"""Who may see what of a recording: consents, audiences, chapters, retention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from expo.archive import rules
from expo.archive.rules import Chapter, Decision, Edit, Part, Reader, Rights, Scope, Standing
from expo.clock import unix_ms
from expo.ids import ExhibitorId, PersonId, SegmentId
from expo.media.recording.playlist import Stretch

NOW = datetime(2026, 11, 24, 7, tzinfo=UTC)
S = 1_000_000
KIM, PARK, MAI = PersonId("kim"), PersonId("park"), PersonId("mai")
E1, E2 = ExhibitorId("e1"), ExhibitorId("e2")
CREW, STAFF, INVITED, ALL = Reader("crew"), Reader("staff", E1), Reader("invited"), Reader("all")


def decision(
    person: PersonId = KIM, publish: Scope = "everyone", *, record: bool = True, company: ExhibitorId | None = E1,
    ends_at: datetime | None = None,
) -> Decision:  # fmt: skip
    return Decision(person, company, record, publish, ends_at)


UNTOUCHED = Edit()


def chapter(edit: Edit = UNTOUCHED, cast: frozenset[str] | None = None) -> Chapter:
    return Chapter(SegmentId("s1"), E1, 1, Stretch(0, 60 * S), Stretch(0, 60 * S), edit, cast)


def rights(*decisions: Decision, visibility: Scope = "everyone", deleted: bool = False) -> Rights:
    return Rights(visibility, deleted, decisions, {})


@pytest.mark.parametrize(
    ("decisions", "recorded"),
    [
        ((), set[PersonId]()),
        ((decision(),), {KIM}),
        ((decision(), decision(record=False, publish="nobody")), set[PersonId]()),
        ((decision(record=False, publish="nobody"), decision(publish="nobody")), {KIM}),
        ((decision(ends_at=NOW), decision(PARK, ends_at=NOW + timedelta(seconds=1))), {PARK}),
    ],
)
def test_only_who_said_so_last_and_for_now_is_recorded(decisions: tuple[Decision, ...], recorded: set[str]) -> None:
    assert rules.recordable(decisions, NOW) == recorded


@pytest.mark.parametrize(
    ("decisions", "scope"),
    [
        ((), "nobody"),
        ((decision(),), "everyone"),
        ((decision(), decision(PARK, "invited")), "invited"),
        ((decision(), decision(PARK, "nobody", record=False)), "everyone"),  # of Park nothing was ever kept
        ((decision(), decision(PARK), decision(PARK, "nobody", record=False)), "nobody"),  # of Park something was
        ((decision(), decision(MAI, "invited", company=None)), "invited"),
        ((decision(MAI, company=None),), "nobody"),
        ((decision(PARK, company=E2),), "nobody"),
        ((decision(ends_at=NOW),), "nobody"),
    ],
)
def test_a_company_is_shown_to_whom_all_its_recorded_presenters_let_see(
    decisions: tuple[Decision, ...], scope: Scope
) -> None:
    assert rights(*decisions).published(chapter(), NOW) == scope


@pytest.mark.parametrize(
    ("given", "edit", "readers", "standing"),
    [
        (rights(decision()), Edit(), {CREW, STAFF, INVITED, ALL}, "shown"),
        (rights(decision(), visibility="invited"), Edit(), {CREW, STAFF, INVITED}, "invited"),
        (rights(decision(publish="invited")), Edit(), {CREW, STAFF, INVITED}, "invited"),
        (rights(decision(), visibility="nobody"), Edit(), {CREW, STAFF}, "nobody"),
        (rights(decision(publish="nobody")), Edit(), {CREW, STAFF}, "no_consent"),
        (rights(), Edit(), {CREW, STAFF}, "undecided"),
        (rights(decision(record=False, publish="nobody")), Edit(), {CREW, STAFF}, "undecided"),
        (rights(decision()), Edit(hidden=True), {CREW, STAFF}, "hidden"),
        (rights(decision()), Edit(withdrawn=True), set[Reader](), "withdrawn"),
    ],
)
def test_a_chapter_plays_for_whom_everybody_lets_see_it(
    given: Rights, edit: Edit, readers: set[Reader], standing: Standing
) -> None:
    found = {reader for reader in (CREW, STAFF, INVITED, ALL) if given.shows(chapter(edit), reader, NOW)}
    assert found == readers
    assert given.standing(chapter(edit), NOW, is_kept=True) == standing


@pytest.mark.parametrize(
    ("cast", "scope"),
    [
        ({KIM}, "everyone"),  # a host who is not in it has no say
        ({KIM, MAI}, "nobody"),
        ({KIM, f"{MAI}-encoder"}, "nobody"),
        ({KIM, PARK}, "invited"),  # neither has a guest of another company, unless they are
        ({MAI}, "nobody"),
        (set[str](), "everyone"),
        (None, "nobody"),
    ],
)
def test_who_is_seen_or_heard_in_a_chapter_decides_with_its_company(cast: set[str] | None, scope: Scope) -> None:
    given = rights(decision(), decision(MAI, "nobody", company=None), decision(PARK, "invited", company=E2))
    given_chapter = chapter(cast=None if cast is None else frozenset(cast))
    assert given.published(given_chapter, NOW) == scope
    assert given.standing(given_chapter, NOW, is_kept=True) == {
        "everyone": "shown", "invited": "invited", "nobody": "no_consent",
    }[scope]  # fmt: skip


def test_who_is_in_a_handover_or_in_what_was_cut_away_is_not_in_the_chapter() -> None:
    asked: list[tuple[int, int]] = []

    def cast(start_us: int, end_us: int) -> frozenset[str]:
        asked.append((start_us // S, end_us // S))
        return frozenset({"kim"})

    edits = {SegmentId("s1"): Edit(trim_start_s=10)}
    found = rules.chapters(parts(), edits, lambda at_ms: (at_ms - unix_ms(NOW)) * 1000, 63 * S, cast)
    assert asked == [(10, 58), (60, 63)]
    assert found[0].cast == {"kim"}


def test_a_deleted_recording_plays_for_nobody_and_staff_of_others_are_guests() -> None:
    assert not rights(decision(), deleted=True).shows(chapter(), CREW, NOW)
    assert not rights(decision(publish="nobody")).shows(chapter(), Reader("staff", E2), NOW)
    assert rights().standing(chapter(), NOW, is_kept=False) == "not_kept"


def parts() -> list[Part]:
    def at(second: int) -> datetime:
        return NOW + timedelta(seconds=second)

    return [
        Part(SegmentId("late"), E2, None, None),
        Part(SegmentId("s2"), E2, at(60), None),
        Part(SegmentId("s1"), E1, at(0), at(60)),
    ]


def test_parts_that_began_are_chapters_in_the_order_of_time() -> None:
    start_ms = unix_ms(NOW)
    edits = {SegmentId("s1"): Edit(trim_start_s=10, trim_end_s=5), SegmentId("s2"): Edit(trim_end_s=5)}
    found = rules.chapters(parts(), edits, lambda at_ms: (at_ms - start_ms) * 1000, 100 * S)
    assert [(one.segment, one.number, one.whole, one.cut) for one in found] == [
        ("s1", 1, Stretch(0, 60 * S), Stretch(10 * S, 55 * S)),
        ("s2", 2, Stretch(60 * S, 100 * S), Stretch(60 * S, 100 * S)),  # nobody trims the end of what goes on
    ]


def test_what_plays_is_the_chapters_shown_and_nothing_of_the_others() -> None:
    start_ms = unix_ms(NOW)
    edits = {SegmentId("s1"): Edit(trim_start_s=10)}
    found = rules.chapters(parts(), edits, lambda at_ms: (at_ms - start_ms) * 1000, 100 * S)
    selection = rules.selection(found, found[:1])
    assert selection.shown == (Stretch(10 * S, 60 * S),)
    assert selection.withheld == (Stretch(0, 10 * S), Stretch(60 * S, 100 * S))


def test_a_trim_longer_than_the_chapter_leaves_nothing_of_it() -> None:
    edits = {SegmentId("s1"): Edit(trim_start_s=50, trim_end_s=50)}
    found = rules.chapters(parts(), edits, lambda at_ms: (at_ms - unix_ms(NOW)) * 1000, 100 * S)
    assert rules.selection(found, found[:1]).shown == ()


def test_files_are_kept_until_their_days_are_over() -> None:
    assert rules.kept_until(None, 5) is None
    assert rules.kept_until(NOW, 5) == NOW + timedelta(days=5)
