"""What pages and programs read of a recording: chapters with their products, in one reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from expo.archive.library import Shelf
from expo.archive.posters import poster_path
from expo.archive.programme import ShowGoods, ShownProduct
from expo.archive.rules import Chapter
from expo.clock import from_unix_ms, unix_ms
from expo.ids import ProductId, SegmentId
from expo.media.recording.playlist import Film
from expo.store.words import pick

US = 1_000_000


class ReplayProduct(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A product and when it was first shown in its chapter, in seconds of what plays. `price`, `moq` may be empty."""

    id: ProductId
    name: str
    image: str
    price: str
    moq: str
    lead_time_days: int
    papers: tuple[str, ...]
    href: str
    at_s: float


class ReplayChapter(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One company's chapter: in seconds of what plays, and when it really was. `logo` is a sign of one character.

    `image` is the company's picture, `poster` one from the chapter, for who may see it by login or without one.
    `number` is its part's in the show: one that does not play is missing.
    """

    id: SegmentId
    number: int
    title: str
    company: str
    exhibitor: str
    logo: str
    image: str
    poster: str
    starts_s: float
    ends_s: float
    real_from: datetime
    real_to: datetime
    products: tuple[ReplayProduct, ...]


class ReplayChapters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """All chapters that play for the bearer of a key, in one language. `live`: there will be more."""

    v: int = 1
    title: str
    language: str
    live: bool
    length_s: float
    chapters: tuple[ReplayChapter, ...]


def replay_chapters(
    shelf: Shelf, shown: Sequence[Chapter], film: Film, goods: ShowGoods, language: str
) -> tuple[ReplayChapter, ...]:
    """The chapters that `film` plays, in its order; one of which nothing is left is not there."""
    products = {product.id: product for product in goods.products}
    found: list[ReplayChapter] = []
    for chapter in shown:
        starts_us, ends_us = film.position_us(chapter.cut.start_us), film.position_us(chapter.cut.end_us)
        if shelf.kept is None or ends_us <= starts_us:
            continue
        part = shelf.parts[chapter.segment]
        own = [product for product in goods.products if product.exhibitor_id == chapter.exhibitor]
        found.append(
            ReplayChapter(
                id=chapter.segment,
                number=chapter.number,
                title=title_of(shelf, chapter, language),
                company=pick(part.company, language),
                exhibitor=chapter.exhibitor,
                logo=part.logo,
                image=own[0].image if own else shelf.show.image,
                poster=poster_path(shelf.show.room, chapter.segment),
                starts_s=starts_us / US,
                ends_s=ends_us / US,
                real_from=from_unix_ms(shelf.kept.at_ms(chapter.cut.start_us)),
                real_to=from_unix_ms(shelf.kept.at_ms(chapter.cut.end_us)),
                products=_shown(shelf, chapter, film, products, language),
            )
        )
    return tuple(found)


def title_of(shelf: Shelf, chapter: Chapter, language: str) -> str:
    """What its organiser called a chapter, else the company's name."""
    return pick(chapter.edit.title or shelf.parts[chapter.segment].company, language)


def chapters_vtt(chapters: Sequence[ReplayChapter], language: str) -> str:
    """Chapters for `<track kind=chapters>` (WebVTT, W3C)."""
    cues = [
        f"{each.number}\n{_time(each.starts_s)} --> {_time(each.ends_s)}\n{_cue_text(each.title)}\n"
        for each in chapters
    ]
    return f"WEBVTT\nLanguage: {language}\n\n" + "\n".join(cues)


def products_vtt(chapters: Sequence[ReplayChapter], language: str) -> str:
    """Products for `<track kind=metadata>`: each cue is the product as JSON, until the next or its chapter's end."""
    cues: list[str] = []
    for chapter in chapters:
        ends = [*(product.at_s for product in chapter.products[1:]), chapter.ends_s]
        for product, end in zip(chapter.products, ends, strict=False):  # one end too many where there is no product
            text = msgspec.json.encode(product).decode().replace("-->", "--\\u003e")
            cues.append(f"{_time(product.at_s)} --> {_time(max(end, product.at_s + 0.001))}\n{text}\n")
    return f"WEBVTT\nLanguage: {language}\n\n" + "\n".join(cues)


def _shown(
    shelf: Shelf, chapter: Chapter, film: Film, products: Mapping[ProductId, ShownProduct], language: str
) -> tuple[ReplayProduct, ...]:
    """What was pinned while a chapter was on, each where it was pinned first."""
    found: dict[ProductId, ReplayProduct] = {}
    for pin in shelf.show.pins:
        product = products.get(pin.product_id)
        if product is None or shelf.kept is None or pin.product_id in found:
            continue
        at_us = shelf.kept.media_us(unix_ms(pin.began_at))
        end_us = chapter.cut.end_us if pin.ended_at is None else shelf.kept.media_us(unix_ms(pin.ended_at))
        if at_us >= chapter.cut.end_us or end_us <= chapter.cut.start_us or product.exhibitor_id != chapter.exhibitor:
            continue
        found[product.id] = ReplayProduct(
            id=product.id,
            name=pick(product.name, language),
            image=product.image,
            price=pick(product.price, language),
            moq=pick(product.moq, language),
            lead_time_days=product.lead_time_days,
            papers=product.papers,
            href=f"/products/{product.id}",
            at_s=film.position_us(max(at_us, chapter.cut.start_us)) / US,
        )
    return tuple(found.values())


def _time(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _cue_text(text: str) -> str:
    """Text of a cue: no markup, no arrow, one line (WebVTT 6.4)."""
    plain = " ".join(text.split())
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
