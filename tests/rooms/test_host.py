"""Rooms over real media: who is on the air, who takes over, and what the features hear of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from expo.accounts.rules import Can
from expo.errors import Unavailable
from expo.ids import ParticipantId
from expo.media.peer import Peer
from expo.media.peer_http import Refused, leave
from expo.rooms import commands as do
from expo.rooms import facts, live
from expo.rooms import stage as stage_rules
from expo.rooms.live import LiveState
from tests.support.offers import offer
from tests.support.room import OPTIONS, Source, Viewer
from tests.support.shows import KERNEL, KIM, MAI
from tests.support.stage import OTHER_ROOM, ROOM, Directed, Stage, eventually, open_stage

pytestmark = pytest.mark.media

PUBLISH: tuple[Can, ...] = ("publish",)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncGenerator[Stage]:
    async with open_stage(tmp_path) as opened:
        yield opened


async def sees(viewer: Viewer, source: Source) -> None:
    """The viewer gets what this source sends from now on; a key frame may be asked for twice a second only."""
    first = len(source.sent)
    sending = asyncio.create_task(source.run(2_000), name="source")
    try:
        await viewer.until(
            lambda seen: any(seen.video.get(n) == source.sent[n] for n in range(first, len(source.sent)))
        )
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


async def test_what_is_published_is_watched_without_a_gap(stage: Stage) -> None:
    source, _ = await stage.publish()
    viewer, _ = await stage.watch()
    await source.run(60)
    await viewer.until(lambda seen: len(source.sent) - 1 in seen.video)
    assert viewer.missed(source) == []
    assert viewer.audio[-1] == source.frames - 1


async def test_a_viewer_waits_for_a_publisher(stage: Stage) -> None:
    stage.rows.add(ROOM, "scheduled", auto_live=True)
    viewer, _ = await stage.watch()
    source, _ = await stage.publish()
    await sees(viewer, source)


async def test_rooms_do_not_hear_of_each_other(stage: Stage) -> None:
    source, _ = await stage.publish()
    elsewhere, _ = await stage.watch(room=OTHER_ROOM)
    viewer, _ = await stage.watch()
    await sees(viewer, source)
    assert elsewhere.video == {}
    assert stage.host.live_state(OTHER_ROOM) == LiveState(on_air=False, viewers=1)


async def test_the_live_state_follows_publisher_and_viewers(stage: Stage) -> None:
    assert stage.host.live_state(ROOM) == LiveState()
    source, published = await stage.publish()
    assert not stage.host.live_state(ROOM).on_air
    await source.run(3)
    await eventually(lambda: stage.host.live_state(ROOM).on_air)
    viewer, watched = await stage.watch()
    assert stage.host.live_state(ROOM).viewers == 1
    await leave(stage.http, watched, None)
    await leave(stage.http, published, stage.token())
    assert stage.host.live_state(ROOM) == LiveState()
    assert stage.host.rooms == 0
    await asyncio.wait_for(viewer.peer.closed.wait(), 5)


async def test_features_hear_of_a_publisher_when_its_media_arrives_and_when_it_leaves(stage: Stage) -> None:
    source, joined = await stage.publish()
    assert stage.rows.facts == []
    await source.run(3)
    await stage.rows.until("published")
    await leave(stage.http, joined, stage.token())
    await stage.rows.until("unpublished")
    assert stage.rows.facts == [("published", ROOM), ("unpublished", ROOM)]


async def test_a_fact_waits_for_a_store_that_is_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "FIRST_PAUSE_S", 0.01)
    source, _ = await stage.publish()
    stage.rows.trouble = Unavailable("store.away")
    await source.run(10)
    stage.rows.trouble = None
    await stage.rows.until("published")


async def test_a_second_publisher_of_the_same_seat_is_refused_and_disturbs_nobody(stage: Stage) -> None:
    source, _ = await stage.publish()
    viewer, _ = await stage.watch()
    await sees(viewer, source)
    with pytest.raises(Refused) as caught:
        await stage.publish(stage.token(PUBLISH))
    assert caught.value.status == 409
    assert "rooms.publisher_present" in caught.value.problem
    await sees(viewer, source)
    assert viewer.missed(source) == []


async def test_another_publisher_waits_behind_who_is_on_and_follows_them(stage: Stage) -> None:
    first, joined = await stage.publish()
    viewer, _ = await stage.watch()
    await sees(viewer, first)
    second, _ = await stage.publish(stage.token(PUBLISH, participant="exhibitor-2"))
    await second.run(20)
    await eventually(lambda: len(stage.host.published(ROOM)) == 2)
    await sees(viewer, first)
    assert viewer.missed(first) == []
    await leave(stage.http, joined, stage.token())
    viewer.video.clear()
    await sees(viewer, second)


async def test_a_publisher_that_takes_over_replaces_the_picture_and_ends_the_old_one(stage: Stage) -> None:
    old, _ = await stage.publish(stage.token(PUBLISH))
    viewer, _ = await stage.watch()
    await sees(viewer, old)
    new, _ = await stage.publish(stage.token(["publish", "takeover"]))
    await sees(viewer, old)  # until its media arrives, the old one is on the air
    await new.run(100)
    await asyncio.wait_for(old.peer.closed.wait(), 10)
    viewer.video.clear()
    await sees(viewer, new)
    assert viewer.sequences == sorted(set(viewer.sequences))  # one numbering; nothing here wraps


async def test_a_takeover_that_never_connects_costs_nothing(stage: Stage) -> None:
    old, _ = await stage.publish(stage.token(PUBLISH))
    viewer, _ = await stage.watch()
    await sees(viewer, old)
    answer = await stage.offer(f"/whip/{ROOM}", offer("chromium-publish"), stage.token())
    assert answer.status == 201
    await sees(viewer, old)
    await stage.ask("DELETE", answer.headers["Location"], token=stage.token())
    await sees(viewer, old)
    assert viewer.missed(old) == []


async def test_a_takeover_with_a_bad_offer_costs_nothing(stage: Stage) -> None:
    old, _ = await stage.publish(stage.token(PUBLISH))
    viewer, _ = await stage.watch()
    answer = await stage.offer(f"/whip/{ROOM}", offer("firefox-like-vp8-publish"), stage.token())
    assert answer.status == 422
    await sees(viewer, old)


async def test_the_newest_takeover_wins(stage: Stage) -> None:
    old, _ = await stage.publish()
    second, _ = await stage.publish()
    third, _ = await stage.publish()
    await asyncio.wait_for(second.peer.closed.wait(), 10)
    await third.run(100)
    await asyncio.wait_for(old.peer.closed.wait(), 10)
    viewer, _ = await stage.watch()
    await sees(viewer, third)


async def test_a_newcomer_moves_up_when_the_old_publisher_leaves_first(stage: Stage) -> None:
    old, joined = await stage.publish()
    viewer, _ = await stage.watch()
    await sees(viewer, old)
    new, _ = await stage.publish()
    await leave(stage.http, joined, stage.token())
    viewer.video.clear()
    await sees(viewer, new)


async def test_a_publisher_that_vanished_may_come_back_after_two_seconds(stage: Stage) -> None:
    token = stage.token(PUBLISH)
    gone, _ = await stage.publish(token)
    viewer, _ = await stage.watch()
    await sees(viewer, gone)
    await gone.peer.close(bye=False)
    with pytest.raises(Refused, match="publisher_present"):
        await stage.publish(token)
    back: list[Source] = []
    async with asyncio.timeout(10):
        while not back:
            try:
                back.append((await stage.publish(token))[0])
            except Refused:
                await asyncio.sleep(0.1)
    viewer.video.clear()
    await sees(viewer, back[0])


async def test_a_host_that_is_closed_takes_nobody_in_and_keeps_nobody(stage: Stage) -> None:
    source, _ = await stage.publish()
    await stage.host.close()
    await asyncio.wait_for(source.peer.closed.wait(), 5)
    peer = Peer.viewer(stage.certificate, OPTIONS)
    stage.peers.append(peer)
    answer = await stage.offer(f"/whep/{ROOM}", peer.offer)
    assert answer.status == 503
    assert "rooms.stopping" in answer.text
    await stage.host.close()


async def test_when_the_publishers_tab_is_closed_viewers_stay_and_see_the_next_one(stage: Stage) -> None:
    closed, _ = await stage.publish()
    viewer, _ = await stage.watch()
    await sees(viewer, closed)
    await closed.peer.close()
    await stage.rows.until("unpublished")
    assert stage.host.live_state(ROOM) == LiveState(on_air=False, viewers=1)
    assert not viewer.peer.closed.is_set()
    following, _ = await stage.publish(stage.token(PUBLISH, participant="exhibitor-2"))
    viewer.video.clear()
    await sees(viewer, following)


async def test_when_the_publisher_vanishes_the_room_is_off_the_air_within_seconds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ON_AIR_US", 300_000)
    vanished, _ = await stage.publish()
    viewer, _ = await stage.watch()
    await sees(viewer, vanished)
    assert stage.host.live_state(ROOM).on_air
    await vanished.peer.close(bye=False)
    await eventually(lambda: not stage.host.live_state(ROOM).on_air)
    taking_over, _ = await stage.publish()
    viewer.video.clear()
    await sees(viewer, taking_over)


async def test_a_muted_publisher_is_seen_and_not_heard_until_the_mute_ends(stage: Stage) -> None:
    directed = Directed(stage.host)
    source, _ = await stage.publish(stage.token(participant="kim"))
    viewer, _ = await stage.watch()
    await sees(viewer, source)
    directed.do(MAI, do.MuteSeat(seat=KIM.participant))
    first = source.frames
    await sees(viewer, source)
    quiet_until = source.frames
    directed.do(MAI, do.MuteSeat(seat=KIM.participant, muted=False))
    await source.run(20)
    await viewer.until(lambda seen: seen.audio[-1] == source.frames - 1)
    assert not [number for number in viewer.audio if first <= number < quiet_until]
    assert viewer.missed(source) == []


async def test_whoever_takes_over_while_muted_is_not_heard_either(stage: Stage) -> None:
    directed = Directed(stage.host)
    first, _ = await stage.publish(stage.token(participant="kim"))
    viewer, _ = await stage.watch()
    await sees(viewer, first)
    await viewer.until(lambda seen: seen.audio[-1] == first.frames - 1)
    directed.do(MAI, do.MuteSeat(seat=KIM.participant))
    heard = len(viewer.audio)
    second, _ = await stage.publish(stage.token(participant="kim"))
    encoder, _ = await stage.publish(stage.token(participant="kim-encoder"))
    await sees(viewer, second)
    await sees(viewer, encoder)  # of two cameras of one seat the newest
    assert len(viewer.audio) == heard


async def test_a_dismissed_publisher_leaves_the_air_and_may_watch_on(stage: Stage) -> None:
    source, _ = await stage.publish(stage.token(participant="rude"))
    viewer, _ = await stage.watch(stage.token(("watch",), participant="rude"))
    await sees(viewer, source)
    stage.host.dismiss(ROOM, ParticipantId("somebody else"))
    await sees(viewer, source)
    stage.host.dismiss(ROOM, ParticipantId("rude"))
    await asyncio.wait_for(source.peer.closed.wait(), 5)
    assert stage.host.published(ROOM) == ()
    assert viewer.peer.connected


async def test_backstage_nobody_sees_or_hears_a_publisher_before_the_room_shows_it(stage: Stage) -> None:
    directed = Directed(stage.host)
    stage.rows.add(ROOM, "scheduled")
    warm, _ = await stage.publish(stage.token(("backstage",), participant="kim"))
    viewer, _ = await stage.watch()
    await warm.run(20)
    await eventually(lambda: len(stage.host.published(ROOM)) == 1)
    assert not stage.host.live_state(ROOM).on_air
    directed.next(1)
    await sees(viewer, warm)
    assert viewer.audio
    assert len(warm.sent) - len(viewer.video) >= 60  # nothing of what came before
    assert stage.host.live_state(ROOM).on_air
    assert stage.rows.facts == []  # it did not start the show


async def test_the_crew_alone_sees_who_is_next_and_the_view_goes_on_with_the_run_of_show(stage: Stage) -> None:
    directed = Directed(stage.host)
    crew = stage.token(("watch", "preview"), participant="mai")
    for token in (None, stage.token(("watch", "write", "present", "backstage"), participant="lan")):
        with pytest.raises(Refused) as caught:
            await stage.watch(token, of="next")
        assert caught.value.status == (403 if token else 401)
        assert ("token.not_granted" if token else "token.missing") in caught.value.problem
    buyer, _ = await stage.watch()
    kim, _ = await stage.publish(stage.token(("backstage",), participant="kim"))
    park, _ = await stage.publish(stage.token(("backstage",), participant="park"))
    lee, _ = await stage.publish(stage.token(("backstage",), participant="lee"))
    for warm in (kim, park, lee):
        warm.send()
    coming, _ = await stage.watch(crew, of="next")
    await sees(coming, kim)
    await coming.until(lambda seen: bool(seen.audio))
    last, joined = await stage.watch(crew, of="lee")
    await sees(last, lee)
    await eventually(lambda: (kim.peer.remb_bps or 0) > 1_000_000 and lee.peer.remb_bps == live.BACKSTAGE_BPS)
    assert (buyer.video, buyer.audio) == ({}, [])
    assert stage.host.live_state(ROOM) == LiveState(on_air=False, viewers=1)

    directed.next(1)
    await sees(buyer, kim)
    coming.video.clear()
    await sees(coming, park)
    assert all(kept in park.sent for kept in coming.video.values())  # nothing of Kim under Park's name
    assert coming.sequences == sorted(set(coming.sequences))
    await leave(stage.http, joined, crew)
    directed.next(2)
    await sees(buyer, park)
    directed.next(3)
    await sees(buyer, lee)
    await eventually(lambda: (lee.peer.remb_bps or 0) > 1_000_000)


async def test_the_organiser_points_the_picture_to_and_fro(stage: Stage) -> None:
    directed = Directed(stage.host)
    directed.next(1)
    kim, _ = await stage.publish(stage.token(participant="kim"))
    viewer, _ = await stage.watch()
    await sees(viewer, kim)
    park, _ = await stage.publish(stage.token(("backstage",), participant="park"))
    await park.run(10)
    for seat, source in (("park", park), ("kim", kim), ("park", park)):
        directed.do(MAI, do.PointPicture(seat=ParticipantId(seat)))
        viewer.video.clear()
        await sees(viewer, source)
        assert not kim.peer.closed.is_set()
    assert viewer.sequences == sorted(set(viewer.sequences))


async def test_a_screen_is_a_second_picture_of_its_seat_without_a_sound(stage: Stage) -> None:
    directed = Directed(stage.host)
    directed.next(1)
    camera, _ = await stage.publish(stage.token(participant="kim"))
    viewer, _ = await stage.watch()
    await sees(viewer, camera)
    screen, joined = await stage.publish(stage.token(("backstage",), participant="kim"), source="screen")
    await screen.run(10)
    await eventually(lambda: len(stage.host.published(ROOM)) == 2)
    await sees(viewer, camera)
    directed.do(KERNEL, do.ReportMedia(seat=KIM.participant, camera=True, screen=True))
    viewer.audio.clear()
    await sees(viewer, screen)
    assert viewer.audio == []
    await camera.run(5)
    await viewer.until(lambda seen: bool(seen.audio) and seen.audio[-1] == camera.frames - 1)
    await leave(stage.http, joined, stage.token(("backstage",), participant="kim"))
    viewer.video.clear()
    await sees(viewer, camera)


async def test_of_two_on_the_air_whoever_speaks_is_heard(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_rules, "HOLD_US", 0)
    directed = Directed(stage.host)
    directed.next(1)
    kim, _ = await stage.publish(stage.token(participant="kim"))
    mai, _ = await stage.publish(stage.token(("backstage",), participant="mai"))
    viewer, _ = await stage.watch()
    await kim.run(5)
    await mai.run(5)
    directed.do(MAI, do.TakeSeat())
    directed.do(MAI, do.PointPicture(seat=MAI.participant))
    kim.frames, mai.frames = 10_000, 20_000
    for loud, quiet in ((kim, mai), (mai, kim)):
        loud.level_dbov, quiet.level_dbov = 20, 90
        async with asyncio.timeout(10):
            while not viewer.audio or viewer.audio[-1] // 10_000 != loud.frames // 10_000:
                kim.send()
                mai.send()
                await asyncio.sleep(0.02)
