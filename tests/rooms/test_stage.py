"""What the stage shows and who is heard, for rooms that somebody runs and for those that nobody does."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from expo.ids import ParticipantId, ResourceId
from expo.rooms import commands as do
from expo.rooms.commands import Actor, Command
from expo.rooms.model import Source, State
from expo.rooms.stage import HOLD_US, LOUDER_US, NEXT, SILENCE, Floor, Published, choose, follow, preview, spared
from tests.rooms.test_laws import STEPS, history
from tests.support.shows import KERNEL, KIM, LEE, MAI, PARK, Show, draft, person

CHOI = person("Choi", "present", exhibitor="e1", role="exhibitor")
"""Kim's colleague."""
STEP_US = 100_000


def at(seat: str, since_us: int = 0, source: Source = "camera", *, waits: bool = False) -> Published:
    return Published(ResourceId(f"{seat}.{source}.{since_us}"), ParticipantId(seat), source, since_us, waits=waits)


def shown(state: State | None, *published: Published, before: Published | None = None) -> Published | None:
    return choose(state, published, before).picture


def heard(state: State | None, *published: Published, before: Published | None = None) -> list[str]:
    return [each.seat for each in choose(state, published, before).voices]


def test_where_nobody_runs_the_show_whoever_is_on_stays_and_the_next_is_whoever_waits_longest() -> None:
    first, second, third = at("a", 1), at("b", 2), at("c", 3)
    for state in (None, draft(), Show().live().state):
        assert shown(state, second, first, third) == first
        assert shown(state, first, second, third, before=second) == second
        assert heard(state, first, second, before=second) == ["b"]
        assert shown(state, third, before=second) == third
        assert shown(state, at("d", waits=True), at("e", source="screen", waits=True)) is None
        assert shown(state) is None


def test_the_picture_is_where_the_room_points_it() -> None:
    show = Show().live().next(1)
    kim, park, screen = at("kim", 1, waits=True), at("park", 2, waits=True), at("park", 3, "screen", waits=True)
    assert shown(show.state, kim, park, screen) == kim
    show.do(KERNEL, do.ReportMedia(seat=PARK.participant, camera=True, screen=True))
    show.do(MAI, do.PointPicture(seat=PARK.participant, source="screen"))
    assert shown(show.state, kim, park, screen, before=kim) == screen
    assert shown(show.state, kim, park, before=screen) == park  # a screen that stopped
    assert choose(show.state, (kim, park, screen), kim).voices == (park, kim)  # and no screen's sound


def test_the_crew_sees_whom_the_stage_would_show_next_and_whom_it_asks_for() -> None:
    show = Show().live()
    kim, park, choi = at("kim", 1, waits=True), at("park", 2, waits=True), at("choi", 3, waits=True)
    show.do(CHOI, do.TakeSeat())
    assert preview(show.state, (kim, park, choi), NEXT).picture == kim  # ready, and his colleague is not
    assert preview(show.state, (park, choi), NEXT).picture == choi
    assert preview(show.state, (park,), NEXT).picture is None
    assert preview(show.state, (kim, park), "park").picture == park
    show.do(MAI, do.MuteSeat(seat=KIM.participant))
    assert preview(show.state, (kim,), NEXT) == (kim, ())
    show.next(1)
    assert preview(show.state, (kim, park), NEXT).picture == park
    show.do(MAI, do.RemoveSeat(seat=PARK.participant))
    assert preview(show.state, (kim, park), NEXT).picture is None
    assert preview(None, (kim,), NEXT).picture is None


def test_only_cameras_whose_turn_is_far_are_asked_for_less() -> None:
    show = Show().live().next(1)
    everybody = at("kim"), at("park"), at("lee"), at("lee", source="screen"), at("mai")

    def less() -> set[str]:
        return {name.partition(".")[0] for name in spared(show.state, everybody, choose(show.state, everybody, None))}

    assert less() == {"lee"}
    show.next(2)
    assert less() == set()  # Kim may come back
    show.do(MAI, do.UndoNext())
    show.do(MAI, do.PointPicture(seat=LEE.participant))
    assert less() == set()


def test_the_last_picture_stays_until_the_next_company_publishes() -> None:
    show = Show().live().next(1)
    kim, park, choi = at("kim", 1, waits=True), at("park", 2, waits=True), at("choi", 3, waits=True)
    show.do(CHOI, do.TakeSeat())
    assert shown(show.state, park, choi) == choi  # a colleague of whom the room points at
    assert shown(show.state, park, choi, kim, before=choi) == kim
    show.next(2)
    assert shown(show.state, kim, before=kim) == kim
    assert heard(show.state, kim, before=kim) == ["kim"]
    assert shown(show.state, kim, park, before=kim) == park
    assert heard(show.state, kim, park, before=kim) == ["park"]


def test_before_the_show_nobody_sees_who_waits_even_if_the_picture_points_there() -> None:
    show = Show()
    show.do(MAI, do.OpenWaitingRoom())
    show.do(KIM, do.TakeSeat())
    show.do(MAI, do.PointPicture(seat=KIM.participant))
    assert choose(show.state, [at("kim", waits=True)], None) == (None, ())
    show.do(MAI, do.GoLive())
    assert shown(show.state, at("kim", waits=True)) == at("kim", waits=True)


def test_of_a_page_and_an_encoder_of_one_person_the_newest_is_shown_one_backstage_last() -> None:
    old, new, backstage = at("kim", 1), at("kim", 2), at("kim", 3, waits=True)
    state = Show().live().next(1).state
    assert shown(state, old, new, before=old) == new
    assert shown(state, old, backstage, before=old) == old
    assert shown(None, old, new, at("a", 0), before=old) == new


PUBLISHED = st.lists(
    st.builds(
        at,
        st.sampled_from(["kim", "park", "lee", "mai", "minsu", "stranger"]),
        st.integers(0, 9),
        st.sampled_from(["camera", "screen"]),
        waits=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
)


@given(STEPS, st.booleans(), PUBLISHED, st.data())
def test_laws_of_the_stage(
    steps: list[tuple[tuple[Actor, Command], int]], opened: bool, published: list[Published], data: st.DataObject
) -> None:
    state = history(steps, opened=opened).states[-1]
    before = data.draw(st.none() | st.sampled_from(published)) if published else None
    picture, voices = choose(state, published, before)
    assert picture is None or picture in published
    assert picture is None or picture.seat not in state.removed
    assert set(voices) <= set(published)
    assert len({each.seat for each in voices}) == len(voices)
    for voice in voices:
        assert voice.source == "camera"
        assert voice.seat not in state.removed
        assert not (voice.seat in state.seats and state.seats[voice.seat].muted)
    cameras = {each.seat for each in published if each.source == "camera"}
    if any(seat.on_air and name in cameras for name, seat in state.seats.items() if state.shown is None):
        assert picture is not None
    assert choose(state, published, picture) == (picture, voices)  # at rest until something happens


A, B, C = ResourceId("a"), ResourceId("b"), ResourceId("c")


def spoken(floor: Floor, levels: dict[ResourceId, float], us: int, voices: tuple[ResourceId, ...] = (A, B)) -> Floor:
    """The floor after so long at these levels."""
    start_us = floor.since_us + HOLD_US
    for now_us in range(start_us, start_us + us + 1, STEP_US):
        floor = follow(floor, voices, levels, now_us)
    return floor


def test_whoever_is_louder_for_a_moment_gets_the_floor_and_a_cough_does_not() -> None:
    floor = follow(SILENCE, (A, B), {A: 0.0, B: 0.0}, 0)
    assert floor.holder == A
    assert spoken(floor, {A: 0.5, B: 0.8}, LOUDER_US - STEP_US).holder == A
    assert spoken(floor, {A: 0.5, B: 0.8}, LOUDER_US).holder == B
    assert spoken(floor, {A: 0.0, B: 0.1}, 10 * LOUDER_US).holder == A  # a quiet room is no voice


def test_the_floor_is_kept_for_a_while() -> None:
    floor = Floor(A, since_us=0)
    times = range(0, 2 * HOLD_US, STEP_US)
    holders: list[ResourceId | None] = []
    for now_us in times:
        floor = follow(floor, (A, B), {A: 0.3, B: 0.9}, now_us)
        holders.append(floor.holder)
    assert holders == [A if now_us < HOLD_US else B for now_us in times]


def test_who_is_gone_or_muted_loses_the_floor_at_once() -> None:
    assert follow(Floor(A, 0), (B,), {B: 0.0}, 1).holder == B
    assert follow(Floor(A, 0), (), {}, 1) == SILENCE


def test_an_encoder_that_tells_no_levels_is_heard_while_it_is_shown() -> None:
    assert spoken(Floor(A, 0), {B: 0.9}, HOLD_US).holder == A
    assert spoken(Floor(B, 0), {B: 0.9}, HOLD_US).holder == A
    assert spoken(Floor(B, 0), {A: 0.5, B: 0.1}, HOLD_US, (A, B, C)).holder == A


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 500_000)), max_size=60))
def test_the_floor_never_changes_twice_within_its_hold(levels: list[tuple[float, float, int]]) -> None:
    floor, now_us, changes = Floor(A, -HOLD_US), 0, list[int]()
    for a, b, dt_us in levels:
        now_us += dt_us
        after = follow(floor, (A, B), {A: a, B: b}, now_us)
        if after.holder != floor.holder:
            changes.append(now_us)
        floor = after
    assert all(later - sooner >= HOLD_US for sooner, later in itertools.pairwise(changes))
