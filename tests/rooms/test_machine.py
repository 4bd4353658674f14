"""Seats, the crowd, and what all commands share: grants, bounds, the wire."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest

from expo.errors import ExpoError, Invalid
from expo.ids import ParticipantId, ProductId, RoomId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import NEEDS, Actor, Command, WireCommand, read_request
from expo.rooms.events import ALL, CREW, Said, seat_audience
from expo.rooms.machine import audience, decide, record, reduce
from expo.rooms.model import MAX_MESSAGES, MAX_RECENT, MAX_SEATS, State
from expo.rooms.projections import project, snapshot
from tests.support.shows import HOA, KERNEL, KIM, LAN, LEE, MAI, NOON_MS, PARK, Show, draft, person

P1 = ProductId("p1")
KIM_SEAT = ParticipantId("kim")
S1 = SegmentId("s1")
ONE_OF_EACH: tuple[Command, ...] = (
    *(do.OpenWaitingRoom(), do.GoLive(), do.Pause(), do.Resume(), do.End()),
    *(do.ArmNext(segment=S1), do.CancelNext(), do.UndoNext(), do.Advance(), do.Finish()),
    *(do.Reorder(segments=()), do.SetLength(segment=S1, planned_s=600)),
    *(do.CloseWaitingRoom(), do.SetProgramme(segments=()), do.PointPicture(seat=None)),
    *(do.ReportShown(picture=None), do.ReportRecording(on=True)),
    *(do.Pin(product=P1), do.Unpin(), do.TakeSeat(), do.LeaveSeat(), do.SetReady(ready=True)),
    *(do.ReportCheck(verdict="pass"), do.MuteSeat(seat=KIM_SEAT), do.RemoveSeat(seat=KIM_SEAT)),
    *(
        do.ReportMedia(seat=KIM_SEAT, camera=True, screen=True),
        do.ReportPresence(here=frozenset()),
        do.CountAudience(viewers=1),
    ),
    *(do.Say(text="hi"), do.Ask(text="hi"), do.Withdraw(message=1), do.HideMessage(message=1)),
    *(do.AnswerQuestion(message=1), do.Interested(product=P1)),
)


def code_of(show: Show, actor: Actor, command: Command) -> str:
    with pytest.raises(ExpoError) as caught:
        show.do(actor, command)
    return caught.value.code


# --- what all commands share ---


def test_every_command_names_its_grants() -> None:
    assert set(NEEDS) == set(get_args(Command)) == set(map(type, ONE_OF_EACH))
    assert all(NEEDS[command] == {"kernel"} for command in set(get_args(Command)) - set(get_args(WireCommand)))
    assert not any("kernel" in NEEDS[command] for command in get_args(WireCommand))


@pytest.mark.parametrize("command", ONE_OF_EACH, ids=lambda command: type(command).__name__)
def test_a_command_is_refused_without_its_grant_in_another_room_and_when_the_token_is_over(command: Command) -> None:
    needs = NEEDS[type(command)]
    able = person("Able", *needs)
    unable = msgspec.structs.replace(able, can=frozenset({"run", "present", "write"}) - needs)

    assert code_of(Show(), unable, command) == "token.not_granted"
    assert code_of(Show(), person("Nobody"), command) == "token.not_granted"
    assert code_of(Show(), msgspec.structs.replace(able, room=RoomId("daegu")), command) == "token.wrong_room"
    assert code_of(Show(), msgspec.structs.replace(able, expires_at_ms=NOON_MS), command) == "token.expired"


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "[]",
        "\ud800".encode("utf-8", "surrogatepass"),
        '{"id": "a", "command": {"type": "dance"}}',
        '{"id": "a", "command": {"type": "advance"}}',  # the kernel's own
        '{"id": "a", "command": {"type": "go_live", "now": true}}',
        '{"id": "a", "command": {"type": "go_live"}, "as": "mai"}',
        '{"id": "", "command": {"type": "go_live"}}',
        '{"id": "a b", "command": {"type": "go_live"}}',
        '{"id": "' + "a" * 65 + '", "command": {"type": "go_live"}}',
        '{"id": "a", "command": {"type": "pin", "product": "' + "p" * 65 + '"}}',
        '{"id": "a", "command": {"type": "withdraw", "message": -1}}',
        '{"id": "a", "v": 2, "command": {"type": "go_live"}}',
    ],
)
def test_what_cannot_be_read_is_refused(sent: str | bytes) -> None:
    with pytest.raises(Invalid, match=r"rooms\.bad_command"):
        read_request(sent)


def test_a_request_is_read_in_camel_case() -> None:
    request = read_request('{"v": 1, "id": "k3-17", "command": {"type": "arm_next", "segment": "s1", "anyway": true}}')

    assert request == do.Request(id="k3-17", command=do.ArmNext(segment=draft().segments[0].id, anyway=True))


def test_only_the_last_commands_are_remembered() -> None:
    state = draft()
    state = msgspec.structs.replace(state, phase="live")
    for number in range(MAX_RECENT + 10):
        for entry in record(state, decide(state, do.Say(text="x"), HOA, NOON_MS), NOON_MS, f"hoa/{number}"):
            state = reduce(state, entry)

    assert len(state.recent) == MAX_RECENT
    assert state.recent[f"hoa/{MAX_RECENT + 9}"] == state.revision
    assert "hoa/9" not in state.recent


def test_the_rooms_clock_never_goes_back() -> None:
    state = msgspec.structs.replace(draft(), phase="live", at_ms=NOON_MS)
    entries = record(state, decide(state, do.Say(text="x"), HOA, NOON_MS - 5000), NOON_MS - 5000, None)

    assert entries[0].at_ms == NOON_MS


# --- seats ---


def test_a_reload_keeps_the_seat_and_what_it_was() -> None:
    show = Show().live().next(1)

    assert show.do(KIM, do.TakeSeat()) == []
    assert show.state.seats[KIM_SEAT].ready
    renamed = msgspec.structs.replace(KIM, name="Kim Minji")
    assert show.do(renamed, do.TakeSeat()) == ["SeatTaken"]
    assert (show.state.seats[KIM_SEAT].name, show.state.seats[KIM_SEAT].on_air) == ("Kim Minji", True)


def test_a_room_has_a_hundred_seats() -> None:
    show = Show()
    for number in range(MAX_SEATS):
        show.do(person(f"P{number}", "present"), do.TakeSeat())

    assert code_of(show, KIM, do.TakeSeat()) == "rooms.seats_full"
    show.do(person("P7", "present"), do.LeaveSeat())
    assert show.do(KIM, do.TakeSeat()) == ["SeatTaken"]


@pytest.mark.parametrize(("name", "code"), [("n" * 10_000, "text.too_long"), ("\u0007 ", "text.no_words")])
def test_a_name_that_cannot_be_shown_takes_no_seat(name: str, code: str) -> None:
    assert code_of(Show(), person(name, "present"), do.TakeSeat()) == code


def test_ready_and_checks_are_for_those_who_sit() -> None:
    show = Show()
    assert code_of(show, KIM, do.SetReady(ready=True)) == "rooms.no_seat"
    show.do(KIM, do.TakeSeat())
    show.do(KIM, do.ReportCheck(verdict="warn", note="the room is dim"))

    check = show.state.seats[KIM_SEAT].check
    assert check
    assert (check.verdict, check.note) == ("warn", "the room is dim")
    assert show.do(KIM, do.ReportCheck(verdict="warn", note="the room is dim")) == []
    assert code_of(show, KIM, do.ReportCheck(verdict="fail", note="n" * 201)) == "text.too_long"


def test_the_organiser_mutes_and_removes() -> None:
    show = Show().live().next(1)
    show.do(MAI, do.MuteSeat(seat=KIM_SEAT))
    assert show.state.seats[KIM_SEAT].muted
    assert code_of(show, MAI, do.MuteSeat(seat=ParticipantId("nobody"))) == "rooms.no_seat"
    assert show.do(KIM, do.LeaveSeat()) == ["SeatHere"]
    assert show.do(KIM, do.LeaveSeat()) == []
    show.do(KIM, do.TakeSeat())
    assert show.state.seats[KIM_SEAT].muted, "leaving ends no mute"

    show.do(MAI, do.RemoveSeat(seat=KIM_SEAT))
    assert (KIM_SEAT in show.state.seats, show.state.picture) == (False, None)
    assert code_of(show, KIM, do.TakeSeat()) == "rooms.removed"
    assert code_of(show, MAI, do.RemoveSeat(seat=ParticipantId("hoa"))) == "rooms.no_seat"
    show.do(HOA, do.Say(text="buy my tea"))
    show.do(MAI, do.RemoveSeat(seat=HOA.participant))
    assert code_of(show, HOA, do.Say(text="again")) == "rooms.removed"


def test_media_of_somebody_without_a_seat_changes_nothing() -> None:
    assert Show().do(KERNEL, do.ReportMedia(seat=KIM_SEAT, camera=True, screen=False)) == []


def test_who_is_gone_for_longer_than_a_reload_is_away_and_after_the_grace_no_longer_ready() -> None:
    show = Show().live()
    others = frozenset({PARK.participant, LEE.participant})
    show.later(4)
    assert show.do(KERNEL, do.ReportPresence(here=others)) == []  # it has just sat down
    show.later(1)
    assert show.do(KERNEL, do.ReportPresence(here=others)) == ["SeatHere"]
    kim = show.state.seats[KIM_SEAT]
    assert (kim.here, kim.here_ms, kim.ready) == (False, show.now_ms, True)
    assert code_of(show, MAI, do.ArmNext(segment=S1)) == "rooms.next_not_ready"
    show.later(9.9)
    assert show.do(KERNEL, do.ReportPresence(here=others)) == []
    assert show.do(KIM, do.TakeSeat()) == ["SeatHere"]
    assert show.state.seats[KIM_SEAT].ready  # in time
    show.later(5)
    show.do(KERNEL, do.ReportPresence(here=others))
    show.later(10)
    assert show.do(KERNEL, do.ReportPresence(here=others)) == ["ReadySet"]
    assert show.do(KERNEL, do.ReportPresence(here=others | {KIM_SEAT})) == ["SeatHere"]
    assert not show.state.seats[KIM_SEAT].ready


def test_whoever_is_there_comes_into_the_picture_before_somebody_away() -> None:
    show = Show().live()
    assistant = person("An", "present", exhibitor="e1", role="exhibitor")
    show.do(assistant, do.TakeSeat())
    show.later(5)
    show.do(KERNEL, do.ReportPresence(here=frozenset({assistant.participant})))
    show.do(MAI, do.ArmNext(segment=S1, anyway=True))
    show.later(3)
    assert show.state.picture
    assert show.state.picture.seat == assistant.participant


def test_the_crowd_is_not_told_who_is_away() -> None:
    show = Show().live()
    seat = project(show.state, ALL).seats[KIM_SEAT]
    assert (seat.here, seat.here_ms) == (False, 0)
    assert project(show.state, CREW).seats[KIM_SEAT].here


# --- the crowd ---


def test_chat_keeps_the_last_messages() -> None:
    show = Show().live()
    for number in range(MAX_MESSAGES + 5):
        show.do(HOA, do.Say(text=f"line {number}"))

    assert len(show.state.messages) == MAX_MESSAGES
    assert show.state.messages[0].text == "line 5"
    assert code_of(show, HOA, do.Withdraw(message=1)) == "rooms.no_message"


def test_writing_needs_an_open_room_a_name_and_words() -> None:
    assert code_of(Show(), HOA, do.Say(text="early")) == "rooms.draft"
    show = Show().live()
    assert code_of(show, HOA, do.Say(text=" \u200b ")) == "text.no_words"
    assert code_of(show, HOA, do.Say(text="x" * 501)) == "text.too_long"
    assert code_of(show, person(" ", "write"), do.Say(text="who?")) == "text.no_words"
    assert code_of(show, person("Hoa", "write", company="c" * 10_000), do.Say(text="x")) == "text.too_long"
    show.do(MAI, do.End())
    assert code_of(show, HOA, do.Say(text="late")) == "rooms.ended"


def test_only_the_writer_withdraws_and_the_words_are_gone_for_everybody() -> None:
    show = Show().live()
    show.do(HOA, do.Say(text="my number is 090"))
    message = show.state.messages[0].id
    assert code_of(show, LAN, do.Withdraw(message=message)) == "rooms.not_your_message"

    show.do(HOA, do.Withdraw(message=message))

    assert (show.state.messages[0].text, show.state.messages[0].withdrawn) == ("", True)
    assert show.do(HOA, do.Withdraw(message=message)) == []


def test_a_hidden_message_keeps_its_words_for_the_crew_alone_and_can_come_back() -> None:
    show = Show().live()
    show.do(HOA, do.Say(text="rude"))
    message = show.state.messages[0].id

    show.do(MAI, do.HideMessage(message=message))
    assert project(show.state, ALL).messages[0].text == ""
    assert project(show.state, ALL).messages[0].name == ""
    assert project(show.state, CREW).messages[0].text == "rude"
    assert show.do(MAI, do.HideMessage(message=message)) == []
    show.do(MAI, do.HideMessage(message=message, hidden=False))
    assert project(show.state, ALL).messages[0].text == "rude"


def test_questions_are_answered_once_and_may_be_about_a_product() -> None:
    show = Show().live()
    assert code_of(show, HOA, do.Ask(text="how much?", product=ProductId("p9"))) == "rooms.no_product"
    show.do(HOA, do.Ask(text="how much?", product=P1))
    show.do(HOA, do.Say(text="thanks"))
    question, chat = show.state.messages

    assert show.do(PARK, do.AnswerQuestion(message=question.id)) == ["QuestionAnswered"]
    assert show.do(MAI, do.AnswerQuestion(message=question.id)) == []
    assert code_of(show, MAI, do.AnswerQuestion(message=chat.id)) == "rooms.no_message"


def test_interest_counts_each_person_once_per_product_and_is_told_to_its_exhibitor() -> None:
    show = Show().live()
    for buyer in (HOA, LAN, HOA):
        show.do(buyer, do.Interested(product=P1))
    show.do(HOA, do.Interested(product=ProductId("p2")))

    assert {product: each.count for product, each in show.state.interest.items()} == {"p1": 2, "p2": 1}
    assert list(project(show.state, seat_audience(KIM_SEAT)).interest) == ["p1"]
    assert project(show.state, ALL).interest == {}
    assert project(show.state, CREW).interest[P1].people == ()
    event = decide(show.state, do.Interested(product=ProductId("p3")), HOA, NOON_MS)[0]
    assert audience(show.state, event) == (seat_audience(LEE.participant),)
    assert code_of(show, HOA, do.Interested(product=ProductId("p9"))) == "rooms.no_product"


def test_a_buyer_may_be_interested_after_the_end() -> None:
    show = Show().live()
    show.do(MAI, do.End())

    assert show.do(HOA, do.Interested(product=P1)) == ["InterestShown"]


def test_an_audience_that_stays_the_same_is_no_event() -> None:
    show = Show()

    assert show.do(KERNEL, do.CountAudience(viewers=42)) == ["AudienceCounted"]
    assert show.do(KERNEL, do.CountAudience(viewers=42)) == []
    assert show.state.viewers == 42


# --- the wire ---


def test_a_snapshot_of_the_crowd_holds_nothing_of_seats_and_people_that_is_not_for_it() -> None:
    show = Show().live().next(1)
    show.do(KIM, do.ReportCheck(verdict="fail", note="no sound"))
    show.do(HOA, do.Interested(product=P1))
    show.do(PARK, do.Say(text="hello"))
    show.do(MAI, do.RemoveSeat(seat=PARK.participant))
    text = msgspec.json.encode(snapshot(show.state, ALL, NOON_MS)).decode()

    assert json.loads(text)["state"]["seats"]["kim"]["onAir"] is True
    for secret in ("no sound", '"people":["', '"ready":true', '"removed":["', '"recent":{"'):
        assert secret not in text


def test_state_and_events_refuse_what_they_do_not_know() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"room": "r", "revision": 1, "tables": []}', type=State)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"type": "said", "kind": "chat"}', type=Said)
