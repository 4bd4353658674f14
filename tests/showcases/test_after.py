"""What a show leaves behind, from its room through its rows to who may read it, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from expo.accounts.tables import Agency, Person
from expo.catalogue.tables import Expo
from expo.errors import ExpoError
from expo.ids import PersonId, ProductId, SegmentId, ShowcaseId
from expo.rooms import commands as do
from expo.showcases.after import AfterView, WordsView, after_view, all_leads
from expo.showcases.projector import ShowcaseFacts
from expo.store.db import Database
from tests.showcases.world import NOON, Told, words, write_rows
from tests.support.shows import HOA, KERNEL, KIM, LAN, LEE, MAI, PARK, ROOM

SHOW = ShowcaseId(ROOM)
S1, S2, S3 = (SegmentId(f"s{number}") for number in (1, 2, 3))
P1, P2 = ProductId("p1"), ProductId("p2")


@pytest.fixture(autouse=True)
async def rows(database: Database) -> None:
    """A show of two companies: on from minute 1, the first from 2 to 12 and the second from 12 to 30; then it ended."""
    await write_rows(database)
    room = (await Told.open(database)).do(LAN, do.Interested(product=P2))
    room.do(MAI, do.GoLive(), after_s=60).do(MAI, do.ArmNext(segment=S1, anyway=True), after_s=57)
    room.do(KERNEL, do.Advance(), after_s=3).do(KERNEL, do.CountAudience(viewers=8), after_s=30)
    room.do(LAN, do.Interested(product=P1), after_s=90).do(HOA, do.Ask(text="To the first"), do.Say(text="Rude"))
    room.do(HOA, do.Say(text="Regretted"), do.Ask(text="To the second", product=P2), do.Say(text="Hello, first"))
    by_text = {message.text: message.id for message in room.state.messages}
    room.do(MAI, do.HideMessage(message=by_text["Rude"]), do.AnswerQuestion(message=by_text["To the first"]))
    room.do(HOA, do.Withdraw(message=by_text["Regretted"]))
    room.do(MAI, do.ArmNext(segment=S2, anyway=True), after_s=477).do(KERNEL, do.Advance(), after_s=3)
    room.do(KERNEL, do.CountAudience(viewers=20), after_s=60).do(HOA, do.Interested(product=P2))
    room.do(LAN, do.Say(text="Hello, second")).do(MAI, do.End(), after_s=1020)
    await ShowcaseFacts(database).project(ROOM, room.entries)


async def read(database: Database, person: str) -> AfterView:
    async with database.read() as db:
        return await after_view(db, SHOW, PersonId(person), "en", NOON + timedelta(hours=2))


def texts(those: tuple[WordsView, ...]) -> list[str]:
    return [one.text for one in those]


async def test_the_organiser_reads_all_of_it_but_words_that_are_gone(database: Database) -> None:
    view = await read(database, "mai")
    found = [
        (each.exhibitor, each.count, [(lead.product, lead.minute, lead.name) for lead in each.leads])
        for each in view.leads
    ]
    assert found == [
        ("Company 1", 1, [("p1", 3, "Lan")]),
        ("Company 2", 2, [("p2", None, "Lan"), ("p2", 12, "Trần Thu Hoà")]),
    ]
    assert [(one.text, one.answered, one.product, one.during) for one in view.questions] == [
        ("To the first", True, "", "Company 1"),
        ("To the second", False, "p2", "Company 1"),
    ]
    assert texts(view.chat) == ["Hello, first", "Hello, second"]
    assert (view.lead_count, view.question_count, view.unanswered, view.chat_count, view.gone) == (3, 2, 1, 2, 2)
    assert (view.company, view.state, view.empty) == ("", "ended", False)
    assert view.audience is not None
    assert [point.viewers for point in view.audience.points] == [0, 8, *[8] * 10, *[20] * 18]


async def test_parts_have_their_planned_and_their_real_length(database: Database) -> None:
    parts = [(part.exhibitor, part.planned_s, part.real_s, part.stand) for part in (await read(database, "mai")).parts]
    assert parts == [
        ("Company 1", 600, 600, "over"),
        ("Company 2", 600, 1080, "over"),
        ("Company 3", 600, None, "left_out"),
    ]


async def test_exhibitors_read_what_is_their_own(database: Database) -> None:
    first, second, third = [await read(database, str(person.participant)) for person in (KIM, PARK, LEE)]
    assert [(each.exhibitor, each.count) for each in first.leads] == [("Company 1", 1)]
    assert [(each.exhibitor, each.count) for each in second.leads] == [("Company 2", 2)]
    assert (texts(first.questions), texts(second.questions)) == (["To the first"], ["To the second"])
    assert (texts(first.chat), texts(second.chat)) == (["Hello, first"], ["Hello, second"])
    assert (first.question_count, first.unanswered, first.gone, second.unanswered, second.gone) == (1, 0, 2, 1, 0)
    assert [[part.exhibitor for part in view.parts] for view in (first, second)] == [["Company 1"], ["Company 2"]]
    assert first.audience is not None
    assert first.audience.most.viewers == 8
    assert first.company == "Company 1"
    nothing = (third.leads, third.questions, third.chat, third.lead_count, third.question_count, third.chat_count)
    assert (nothing, third.gone, third.audience) == (((), (), (), 0, 0, 0), 0, None)


async def test_a_file_holds_the_leads_that_its_reader_may_see(database: Database) -> None:
    async with database.read() as db:
        for person, products in (("mai", ["p2", "p1", "p2"]), ("kim", ["p1"]), ("park", ["p2", "p2"]), ("lee", [])):
            leads, clocks = await all_leads(db, SHOW, PersonId(person), "en", NOON)
            assert [lead.product for lead in leads] == products
            assert [clock.city for clock in clocks] == ["Hà Nội", "Seoul"]


async def test_who_neither_runs_it_nor_presents_a_company_reads_nothing(database: Database) -> None:
    tenant = {"agency_id": "b"}
    async with database.write() as db:
        db.add(Agency(id="b", country="VN", name=words("Other")))
        await db.flush()
        places = {"host_zone": "UTC", "guest_zone": "UTC", "host_city": words("H"), "guest_city": words("G")}
        times = {"starts_at": NOON, "ends_at": NOON + timedelta(hours=1), "host_language": "vi", "guest_language": "ko"}
        db.add(Expo(id="y", slug="y", title=words("Other"), **places, **times, **tenant))
        await db.flush()
        db.add(Person(id="abroad", expo_id="y", role="organiser", name="Abroad", language="en", **tenant))
        db.add(
            Person(id="mc", agency_id="a", expo_id="x", role="exhibitor", name="MC", language="en", showcase_id=ROOM)
        )
        db.add(Person(id="mod", agency_id="a", expo_id="x", role="moderator", name="Mod", language="en"))
    refused: dict[str, str] = {}
    for person in ("abroad", "mc", "mod", "hoa", "nobody"):
        with pytest.raises(ExpoError) as error:
            await read(database, person)
        refused[person] = error.value.code
    assert refused == {
        "abroad": "showcase.not_invited",
        "mc": "token.not_granted",
        "mod": "token.not_granted",
        "hoa": "token.not_granted",
        "nobody": "person.not_found",
    }
