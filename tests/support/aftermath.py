"""What a show leaves behind, as rows of one of the demonstration's showcases."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from expo.catalogue.tables import Product
from expo.showcases.tables import AudienceMinute, Lead, Message, Segment, Showcase
from expo.store.db import Database

BUYERS = (("Trần Thu Hà", "Minh Châu Beauty, Hà Nội"), ("=1+1", "@Sao Mai"), ("", ""))


async def leave_behind(database: Database, showcase_id: str, began: datetime) -> None:
    """Interest in every product of its companies, a question and a line of chat in each part, an audience.

    In the first part the question is answered and the chat is hidden.
    """
    async with database.write() as db:
        show = await db.get_one(Showcase, showcase_id)
        segments = list(await db.scalars(select(Segment).where(Segment.showcase_id == showcase_id)))
        segments.sort(key=lambda segment: segment.position)
        own = {"agency_id": show.agency_id, "showcase_id": show.id}
        revision = 100
        for number, segment in enumerate(segments):
            started_at = began + timedelta(minutes=10 * number)
            segment.started_at, segment.ended_at = started_at, started_at + timedelta(minutes=7 + number % 3)
            said_at = started_at + timedelta(minutes=2)
            who = dict(zip(("name", "company"), BUYERS[number % len(BUYERS)], strict=True))
            products = await db.scalars(select(Product).where(Product.exhibitor_id == segment.exhibitor_id))
            for product in products:
                revision += 10
                lead = {"revision": revision, "shown_at": said_at, "minute": 10 * number + 2, "participant": "p"}
                db.add(Lead(product_id=product.id, exhibitor_id=segment.exhibitor_id, **lead, **who, **own))
            for offset, kind in enumerate(("question", "chat"), start=1):
                words = {"kind": kind, "text": f"{kind} {number}", "participant": "p", "said_at": said_at}
                state = {"hidden": kind == "chat" and number == 0, "answered": kind == "question" and number == 0}
                db.add(Message(revision=revision + offset, product_id=None, **words, **state, **who, **own))
        for minute, viewers in ((0, 3), (1, 12), (3, 31), (9, 42), (15, 28), (21, 36), (44, 51), (60, 34), (78, 9)):
            at = began.replace(second=0, microsecond=0) + timedelta(minutes=minute)
            db.add(AudienceMinute(minute=at, most=viewers, last=viewers - 1, **own))
        show.state, show.went_live_at, show.ended_at = "ended", began, began + timedelta(minutes=10 * len(segments))
