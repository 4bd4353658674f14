"""What the synthetic exhibitor shows and says; a value that travels to its process as JSON."""

from __future__ import annotations

from msgspec import Struct


class Item(Struct, frozen=True, forbid_unknown_fields=True):
    """One product slide. `kind` is one of `illustrations.KINDS`; `lines` are short facts, at most three."""

    name: str
    lines: tuple[str, ...]
    kind: str


class Phrase(Struct, frozen=True, forbid_unknown_fields=True):
    """One sentence, spoken by the synthesizer in `language` (BCP 47)."""

    language: str
    text: str


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole programme of one company. `mark` is its one-character sign; `items` has at least one."""

    company: str
    mark: str
    delegation: str
    presenter: str
    items: tuple[Item, ...]
    phrases: tuple[Phrase, ...]


def script_for(company: str, mark: str, delegation: str, presenter: str, items: tuple[Item, ...]) -> Script:
    """A script with the house's three greetings in Korean, Vietnamese and English."""
    return Script(
        company=company,
        mark=mark,
        delegation=delegation,
        presenter=presenter,
        items=items,
        phrases=(
            Phrase("ko", f"안녕하십니까. {company}입니다. 오늘 저희 제품을 소개해 드리겠습니다."),
            Phrase("vi", f"Xin chào quý vị. Chúng tôi là {company}. Hôm nay chúng tôi xin giới thiệu sản phẩm mới."),
            Phrase("en", f"Welcome. We are {company}, and today we would like to show you our products."),
            *(Phrase("en", f"{item.name}. {' '.join(item.lines)}") for item in items[:2]),
        ),
    )


EXAMPLE = script_for(
    company="Gyeol Cosmetics",
    mark="결",
    delegation="Chungbuk delegation",
    presenter="Jung Ha-yun, export team",
    items=(
        Item("Camellia ampoule 50 ml", ("4.20–4.80 USD, FOB Busan", "Minimum order 1 000 bottles"), "bottle"),
        Item("Jincheon rice cream 60 g", ("5.10 USD, FOB Busan", "Minimum order 600 jars"), "jar"),
        Item("Rice sheet masks, box of 10", ("3.60 USD, FOB Busan", "Minimum order 500 boxes"), "carton"),
    ),
)
