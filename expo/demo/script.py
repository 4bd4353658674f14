"""What the synthetic exhibitor shows and says; a value that travels to its process as JSON."""

from __future__ import annotations

from collections.abc import Mapping

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


GREETINGS: Mapping[str, str] = {
    "ko": "안녕하십니까. {name}, 오늘의 제품을 소개해 드리겠습니다.",
    "vi": "Xin kính chào quý vị. {name} xin giới thiệu các sản phẩm của chúng tôi.",
    "en": "Welcome. This is {name}, and these are our products.",
}


def script_for(names: Mapping[str, str], mark: str, delegation: str, presenter: str, items: tuple[Item, ...]) -> Script:
    """A script that greets in Korean, Vietnamese and English; `names` is the company's name in each of them."""
    greetings = tuple(Phrase(language, words.format(name=names[language])) for language, words in GREETINGS.items())
    facts = tuple(Phrase("en", f"{item.name}. {', '.join(item.lines)}.") for item in items[:2])
    return Script(names["en"], mark, delegation, presenter, items, greetings + facts)


EXAMPLE = script_for(
    names={"ko": "결코스메틱", "vi": "Gyeol Cosmetics", "en": "Gyeol Cosmetics"},
    mark="결",
    delegation="Chungbuk delegation",
    presenter="Jung Ha-yun, export team",
    items=(
        Item("Camellia ampoule 50 ml", ("4.20–4.80 USD, FOB Busan", "Minimum order 1 000 bottles"), "bottle"),
        Item("Jincheon rice cream 60 g", ("5.10 USD, FOB Busan", "Minimum order 600 jars"), "jar"),
        Item("Rice sheet masks, box of 10", ("3.60 USD, FOB Busan", "Minimum order 500 boxes"), "carton"),
    ),
)
