"""Message catalogues and the choice of a language (RFC 9110 12.5.4).

A catalogue file is `<area>.<language>.po`; its msgid is a dotted key (`stage.tap_for_sound`), its msgstr the text with
`{name}` placeholders. A key that is missing raises, in every language: half-translated pages never go out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

from expo.edge.accepts import quality as q_value

LANGUAGES = ("en", "ko", "vi")
LANGUAGE_NAMES: Mapping[str, str] = {"en": "English", "ko": "한국어", "vi": "Tiếng Việt"}
DEFAULT_LANGUAGE = "en"
LANGUAGE_COOKIE = "expo_lang"

_MAX_HEADER = 500  # characters of Accept-Language that are looked at; browsers send under 100


class MissingMessageError(LookupError):
    """A key without a text in a language; our own bug, found by tests."""

    def __init__(self, key: str, language: str) -> None:
        super().__init__(f"no message {key!r} in {language!r}")


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Every message by language and key, and the keys of each area (one file name = one area)."""

    texts: Mapping[str, Mapping[str, str]]
    areas: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, folder: Path) -> Catalogues:
        """Read every `<area>.<language>.po` in the folder; ValueError on a key that two areas define."""
        texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        areas: dict[str, dict[str, None]] = {}
        for path in sorted(folder.glob("*.po")):
            area, _, language = path.stem.rpartition(".")
            if language not in texts or not area:
                raise ValueError(f"{path.name} is not named <area>.<language>.po with one of {', '.join(LANGUAGES)}")
            for key, text in _read(path, language):
                if key in texts[language]:
                    raise ValueError(f"{path.name} defines {key!r} a second time")
                texts[language][key] = text
                areas.setdefault(area, {})[key] = None
        return cls(texts, {area: tuple(keys) for area, keys in areas.items()})

    def text(self, key: str, language: str, /, **values: object) -> str:
        """The message with its placeholders filled; MissingMessageError without one, KeyError without a value."""
        return self._raw(key, language).format_map(values)

    def has(self, key: str, language: str) -> bool:
        return key in self.texts.get(language, {})

    def messages(self, areas: Iterable[str], language: str) -> dict[str, str]:
        """Key to raw text of some areas, for the page's scripts; MissingMessageError when one lacks its translation."""
        found: dict[str, str] = {}
        for area in areas:
            if area not in self.areas:
                raise MissingMessageError(f"{area}.*", language)
            for key in self.areas[area]:
                found[key] = self._raw(key, language)
        return found

    def _raw(self, key: str, language: str) -> str:
        try:
            return self.texts[language][key]
        except KeyError:
            raise MissingMessageError(key, language) from None


def negotiate(cookie: str | None, accept_language: str) -> str:
    """The reader's language: the cookie if it names one of ours, else the best of Accept-Language, else English."""
    if cookie in LANGUAGES:
        return cookie
    best, best_quality = DEFAULT_LANGUAGE, 0.0
    for entry in accept_language[:_MAX_HEADER].split(","):
        tag, _, parameters = entry.partition(";")
        primary = tag.strip().lower().split("-")[0]
        quality = q_value(parameters)
        if primary in LANGUAGES and quality > best_quality:
            best, best_quality = primary, quality
    return best


def _read(path: Path, language: str) -> Iterable[tuple[str, str]]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language)
    for message in catalogue:
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string:
            yield message.id, message.string
