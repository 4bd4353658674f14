"""Laws that hold for every sequence of commands: the log is the state, and each reader can rebuild its view."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.cluster.eventlog import Entries, Loaded
from expo.errors import ExpoError
from expo.ids import ParticipantId, ProductId, SegmentId
from expo.rooms import commands as do
from expo.rooms import machine
from expo.rooms.commands import Actor, Command
from expo.rooms.events import ALL, CREW, Entry, SeatTaken, read_entries, seat_audience, write_entry
from expo.rooms.machine import decide, record, reduce, replay
from expo.rooms.model import Picture, State, segment_of
from expo.rooms.projections import Delivered, Reader, deliver, fold, project
from expo.rooms.room_owner import restored
from tests.support.shows import HOA, KERNEL, KIM, LAN, LEE, MAI, MINSU, NOON_MS, PARK, draft, person, segment

MOVED = person("Kim", "present", "write", exhibitor="e2", role="exhibitor")
"""Kim with another company's token."""
PEOPLE = (MAI, MINSU, KIM, PARK, LEE, HOA, LAN, MOVED)
SEATS = st.sampled_from([person.participant for person in PEOPLE])
PICTURES = st.builds(Picture, seat=SEATS, source=st.sampled_from(["camera", "screen"]))
SEGMENTS = st.sampled_from([SegmentId(f"s{n}") for n in range(1, 5)])
PRODUCTS = st.sampled_from([ProductId(f"p{n}") for n in range(1, 5)])
MESSAGES = st.integers(1, 60)
TEXTS = st.sampled_from(["xin chào", "얼마예요?", "<b>", "\u202egnp", "🙂", "\u0000", ""])

CREW_COMMANDS = st.one_of(
    st.sampled_from([do.OpenWaitingRoom(), do.GoLive(), do.Pause(), do.Resume(), do.End()]),
    st.sampled_from([do.CancelNext(), do.UndoNext(), do.Unpin(), do.TakeSeat(), do.LeaveSeat()]),
    st.builds(do.ArmNext, segment=SEGMENTS, anyway=st.booleans()),
    st.builds(do.Reorder, segments=st.permutations(["s1", "s2", "s3"]).map(lambda all_: tuple(map(SegmentId, all_)))),
    st.builds(do.SetLength, segment=SEGMENTS, planned_s=st.sampled_from([60, 840, 960])),
    st.builds(do.PointPicture, seat=st.none() | SEATS, source=st.sampled_from(["camera", "screen"])),
    st.builds(do.Pin, product=PRODUCTS),
    st.builds(do.HideMessage, message=MESSAGES, hidden=st.booleans()),
    st.builds(do.MuteSeat, seat=SEATS, muted=st.booleans()),
    st.builds(do.RemoveSeat, seat=SEATS.filter(lambda seat: seat not in ("mai", "minsu"))),
    st.builds(do.AnswerQuestion, message=MESSAGES),
)
EXHIBITOR_COMMANDS = st.one_of(
    st.sampled_from([do.TakeSeat(), do.TakeSeat(), do.LeaveSeat(), do.Finish(), do.Unpin()]),
    st.builds(do.SetReady, ready=st.booleans()),
    st.builds(do.ReportCheck, verdict=st.sampled_from(["pass", "warn", "fail"]), note=st.sampled_from(["", "dim"])),
    st.builds(do.Pin, product=PRODUCTS),
    st.builds(do.PointPicture, seat=st.none() | SEATS, source=st.sampled_from(["camera", "screen"])),
)
BUYER_COMMANDS = st.one_of(
    st.builds(do.Say, text=TEXTS),
    st.builds(do.Ask, text=TEXTS, product=st.none() | PRODUCTS),
    st.builds(do.Withdraw, message=MESSAGES),
    st.builds(do.Interested, product=PRODUCTS),
)
KERNEL_COMMANDS = st.one_of(
    st.sampled_from([do.Advance(), do.Advance(), do.CloseWaitingRoom()]),
    st.builds(do.CountAudience, viewers=st.integers(0, 5)),
    st.builds(do.ReportMedia, seat=SEATS, camera=st.booleans(), screen=st.booleans()),
    st.builds(do.ReportPresence, here=st.frozensets(SEATS)),
    st.builds(do.ReportShown, picture=st.none() | PICTURES),
    st.builds(do.ReportRecording, on=st.booleans(), trouble=st.none() | st.just("disk_full")),
    st.lists(st.integers(1, 4), max_size=4, unique=True).map(
        lambda numbers: do.SetProgramme(segments=tuple(segment(number) for number in numbers))
    ),
)
DONE = st.one_of(
    st.tuples(st.sampled_from([MAI, MINSU]), CREW_COMMANDS),
    st.tuples(st.sampled_from([KIM, PARK, LEE, MOVED]), EXHIBITOR_COMMANDS),
    st.tuples(st.sampled_from([HOA, LAN, KIM, MAI]), BUYER_COMMANDS),
    st.tuples(st.just(KERNEL), KERNEL_COMMANDS),
)
OPENED: list[tuple[Actor, Command, int]] = [
    (MAI, do.OpenWaitingRoom(), 0),
    (KIM, do.TakeSeat(), 0),
    (PARK, do.TakeSeat(), 0),
    (MAI, do.GoLive(), 0),
    (MAI, do.ArmNext(segment=SegmentId("s1"), anyway=True), 0),
    (KERNEL, do.Advance(), 3000),
]
STEPS = st.lists(st.tuples(DONE, st.integers(-500, 6000)), max_size=60)
READERS: tuple[Reader, ...] = (ALL, CREW, seat_audience(ParticipantId("kim")), seat_audience(ParticipantId("park")))


@dataclass
class History:
    """All states that a sequence of commands went through; `entries[n]` leads from `states[n]` to the next."""

    states: list[State] = field(default_factory=lambda: [draft()])
    entries: list[Entry] = field(default_factory=list[Entry])


def history(steps: list[tuple[tuple[Actor, Command], int]], *, opened: bool) -> History:
    done, now_ms = History(), NOON_MS
    prelude = OPENED if opened else []
    for number, (actor, command, dt_ms) in enumerate(prelude + [(*what, dt_ms) for what, dt_ms in steps]):
        now_ms += dt_ms
        try:
            events = decide(done.states[-1], command, actor, now_ms)
        except ExpoError:
            continue
        for entry in record(done.states[-1], events, now_ms, f"{actor.participant}/{number}"):
            done.entries.append(entry)
            done.states.append(reduce(done.states[-1], entry))
    return done


@given(STEPS, st.booleans())
def test_the_log_and_a_snapshot_rebuild_the_state(steps: list[tuple[tuple[Actor, Command], int]], opened: bool) -> None:
    done = history(steps, opened=opened)
    lines = "\n".join(write_entry(entry) for entry in done.entries)
    half = len(done.entries) // 2
    state = msgspec.json.decode(msgspec.json.encode(done.states[half]), type=State)

    for entry in read_entries(lines)[half:]:
        state = reduce(state, entry)

    assert state == done.states[-1]
    assert [entry.revision for entry in done.entries] == list(range(1, len(done.entries) + 1))
    assert sorted(entry.at_ms for entry in done.entries) == [entry.at_ms for entry in done.entries]


def test_a_log_is_replayed_as_it_was_reduced_and_remembers_the_same_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MAX_RECENT", 5)
    steps: list[tuple[tuple[Actor, Command], int]] = [((HOA, do.Say(text=str(number))), 1) for number in range(20)]
    done = history(steps, opened=True)
    for first in (0, 7, len(done.entries)):
        again = replay(done.states[first], done.entries[first:])
        assert again == done.states[-1]
        assert [*again.recent.items()] == [*done.states[-1].recent.items()]
    assert len(done.states[-1].recent) == 5


def test_a_log_that_lacks_a_part_is_no_state() -> None:
    done = history([], opened=True)
    lines = [write_entry(entry) for entry in done.entries]
    state = msgspec.json.encode(done.states[0]).decode()

    def loaded(kept: list[str]) -> Loaded:
        return Loaded(done.states[0].revision, state, Entries(1, len(kept), "\n".join(kept)))

    assert restored(loaded(lines)) == done.states[-1]
    assert restored(loaded(lines[1:])) is None
    assert restored(loaded(lines[:2] + lines[3:])) is None


def taking(entry: Entry, reader: Reader) -> bool:
    """Whether the entry makes the reader another one, so that a snapshot follows it."""
    return isinstance(entry.event, SeatTaken) and seat_audience(entry.event.seat) == reader


@given(STEPS, st.booleans(), st.sampled_from(READERS))
@settings(max_examples=200)
def test_every_reader_rebuilds_its_view_from_a_snapshot_and_its_events(
    steps: list[tuple[tuple[Actor, Command], int]], opened: bool, reader: Reader
) -> None:
    done = history(steps, opened=opened)
    view = project(done.states[0], reader)
    for before, entry, after in zip(done.states, done.entries, done.states[1:], strict=False):
        told = deliver(before, entry, reader)
        if taking(entry, reader):
            view = project(after, reader)
        elif told:
            assert told.previous == view.revision  # no gap
            view = fold(view, msgspec.json.decode(msgspec.json.encode(told), type=Delivered), reader)
        assert view == project(after, reader)


@given(STEPS, st.booleans())
def test_a_room_stays_in_order(steps: list[tuple[tuple[Actor, Command], int]], opened: bool) -> None:
    for state in history(steps, opened=opened).states:
        current = segment_of(state, state.current)
        on = [each for each in state.segments if each.started_ms is not None and each.ended_ms is None]
        if state.phase != "ended":
            assert on == ([current] if current else [])
        assert state.armed is None or (state.phase == "live" and segment_of(state, state.armed.segment) is not None)
        assert all(each is None or each.seat in state.seats for each in (state.picture, state.shown))
        assert len({each.id for each in state.segments}) == len(state.segments)
        assert not any(seat.on_air for seat in state.seats.values()) or state.phase == "live"
        assert not set(state.removed) & set(state.seats)
