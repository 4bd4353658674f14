"""An hour of a show that is on, made in a minute: eight companies, by the recorder's own writer on a clock of paper.

The last company is still on the air: a presenter goes on, a host ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy import select

from expo.accounts.tables import Person
from expo.archive.tables import Consent, Recording
from expo.catalogue.tables import Product
from expo.clock import unix_ms
from expo.demo.encoder import SoundEncoder
from expo.media.recording import frames
from expo.media.recording.lines import Kind
from expo.media.recording.writer import Cut, Item, Keep, Writer
from expo.showcases.tables import ProductPin, Segment, Showcase
from expo.store.db import Database
from tests.bench.source import FPS, Frame

HOUR_S = 3600
PARTS = 8
PART_S = HOUR_S // PARTS
SPEAKER, COMPANY = "demo-exhibitor", "gyeol-cosmetics"
"""Who is on the air at the end."""
KINDS: dict[str, Kind] = {"picture": "video", "floor": "audio"}
_STEP_US = 500_000
_SOUND_US = 20_000


def tone() -> list[bytes]:
    """A second of Opus that decodes, to send round and round."""
    encoder, at, packets = SoundEncoder(), np.arange(960) / 48_000, list[bytes]()
    for number in range(51):  # the encoder looks ahead by one
        wave = 0.2 * np.sin(2 * np.pi * 440 * (at + number / 50))
        packets += encoder.encode(wave.astype(np.float32), number * 960)
    return packets


def write_hour(folder: Path, room: str, began: datetime, pictures: Sequence[Frame], sound: Sequence[bytes]) -> None:
    """The files as an owner leaves them whose worker was told to stop. Blocking."""
    began_ms, now_us = unix_ms(began), 0
    troubles: list[object] = []
    writer = Writer(
        folder, room, 1, KINDS, clock=lambda: began_ms + now_us // 1000, tell=troubles.append, least_free_bytes=0
    )
    writer.open(0)
    keys = [number for number, picture in enumerate(pictures) if picture.key]
    items: list[Item] = [Keep(on=True)]
    shown = heard = position = 0
    while now_us < HOUR_S * 1_000_000:
        if now_us and now_us % (PART_S * 1_000_000) == 0:
            items.append(Cut())
            position = keys[0]
        elif now_us % frames.SEGMENT_US == 0:
            position = min((key for key in keys if key >= position), default=keys[0])
        now_us += _STEP_US
        while (at_us := shown * 1_000_000 // FPS) < now_us:
            picture = pictures[position]
            items.append(frames.Frame("picture", at_us, list(picture.payloads), picture.key, ""))
            position, shown = (position + 1) % len(pictures), shown + 1
        while heard * _SOUND_US < now_us:
            items.append(frames.Frame("floor", heard * _SOUND_US, [sound[heard % len(sound)]], True, ""))
            heard += 1
        writer.step(items, now_us)
        items = []
    writer.close("drained", now_us)
    if troubles:
        raise RuntimeError(f"the hour was not written: {troubles}")


async def write_rows(database: Database, room: str, began: datetime) -> None:
    """Its show: every company for as long, with its products at their moments; everybody has agreed to everything."""
    tenant = {"agency_id": "hanbit"}
    async with database.write() as db:
        show = await db.get_one(Showcase, room)
        show.went_live_at = show.starts_at = began
        show.ends_at = began + timedelta(hours=2)
        parts = list(await db.scalars(select(Segment).where(Segment.showcase_id == room).order_by(Segment.position)))
        own = next(part for part in parts if part.exhibitor_id == COMPANY)
        own.exhibitor_id, parts[-1].exhibitor_id = parts[-1].exhibitor_id, COMPANY
        db.add(Recording(id=room, begun_at=began, visibility="everyone", **tenant))
        await db.flush()
        revision = 0
        for number, part in enumerate(parts):
            part.started_at = at = began + timedelta(seconds=number * PART_S)
            part.ended_at = None if part is parts[-1] else at + timedelta(seconds=PART_S)
            person = SPEAKER if part.exhibitor_id == COMPANY else f"bench-{number}"
            if person != SPEAKER:
                named = {"expo_id": "ket-noi-han-viet", "exhibitor_id": part.exhibitor_id, "role": "exhibitor"}
                db.add(Person(id=person, name=person, language="ko", **named, **tenant))
                await db.flush()
            said = {"record": True, "publish": "everyone", "decided_at": began, "number": 1}
            db.add(Consent(showcase_id=room, person_id=person, exhibitor_id=part.exhibitor_id, **said, **tenant))
            if part.ended_at is None:
                continue
            for product in await db.scalars(select(Product).where(Product.exhibitor_id == part.exhibitor_id)):
                revision += 1
                shown = at + timedelta(seconds=60 + 30 * product.position)
                until = shown + timedelta(seconds=30)
                pinned = {"product_id": product.id, "pinned_from": shown, "pinned_until": until}
                db.add(ProductPin(showcase_id=room, revision=revision, **pinned, **tenant))
