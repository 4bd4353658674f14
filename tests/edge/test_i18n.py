"""Catalogues, the choice of a language, and words for every error code that the code can raise."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo import errors
from expo.edge.accepts import prefers_html
from expo.edge.i18n import LANGUAGES, Catalogues, MissingMessageError, negotiate
from expo.kit.startup import EXIT_CODES
from expo.settings import SETTINGS
from tests.support.site import LOCALE

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z0-9]+(_[a-z0-9]+)*")
ERROR_CLASSES = {name for name in vars(errors) if name[0].isupper()} | {"StartFailed"}
WOVEN = {
    "f'settings.{field}'": {f"settings.{setting.field}" for setting in SETTINGS},
    "_TOO_LATE[error.code]": {"showcase.already_live", "showcase.already_ended"},
    "f'store.{kind}'": {"store.full", "store.busy", "store.away"},
    **{
        f"f'{{family}}.{kind}'": {f"{family}.{kind}" for family in ("token", "link", "guest", "replay")}
        for kind in ("missing", "malformed", "foreign", "forged", "expired")
    },
}
"""Codes that the source puts together, spelled out; a new one fails the test until it stands here."""
PASSED_ON = re.compile(r"(\w+\.)?code|SERVER_ERROR|_CODES\.get\(.*\)")
"""First arguments that repeat a code found elsewhere."""


@functools.cache
def raised_codes() -> Mapping[str, str]:
    """Every code in `expo/` with a place that raises it."""
    return dict(_raised_codes())


def _raised_codes() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "expo").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in ERROR_CLASSES:
                continue
            code, place = node.args[0], f"{path.relative_to(ROOT)}:{node.lineno}"
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value, place
            elif ast.unparse(code) in WOVEN:
                yield from ((woven, place) for woven in WOVEN[ast.unparse(code)])
            else:
                assert PASSED_ON.fullmatch(ast.unparse(code)), f"{place}: spell the code out, or list it in this test"


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    return Catalogues.load(LOCALE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_code_has_words_in_every_language(catalogues: Catalogues, language: str) -> None:
    missing = {code: place for code, place in raised_codes().items() if not catalogues.has(f"error.{code}", language)}
    assert missing == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_failure_to_start_has_words(catalogues: Catalogues, language: str) -> None:
    assert [code for code in EXIT_CODES if not catalogues.has(f"error.{code}", language)] == []


def test_codes_are_dotted_and_stable() -> None:
    codes = raised_codes()
    assert len(codes) > 50
    assert [code for code in codes if not CODE.fullmatch(code)] == []


def test_the_codes_of_aiohttps_own_refusals_have_words(catalogues: Catalogues) -> None:
    source = (ROOT / "expo" / "edge" / "problems.py").read_text() + (ROOT / "expo" / "edge" / "server.py").read_text()
    codes = set(re.findall(r'"((?:request|server)\.[a-z_]+)"', source))
    assert {"request.method", "server.error", "server.too_slow"} <= codes
    assert [code for code in sorted(codes) if not catalogues.has(f"error.{code}", "en")] == []


def test_languages_have_the_same_keys(catalogues: Catalogues) -> None:
    keys = {language: set(catalogues.texts[language]) for language in LANGUAGES}
    assert keys["ko"] == keys["en"]
    assert keys["vi"] == keys["en"]


def test_placeholders_are_the_same_in_every_language(catalogues: Catalogues) -> None:
    def names(language: str, key: str) -> set[str]:
        return set(re.findall(r"\{(\w+)\}", catalogues.texts[language][key]))

    differing = [key for key in catalogues.texts["en"] if not names("en", key) == names("ko", key) == names("vi", key)]
    assert differing == []


def test_words_of_errors_are_not_left_in_english(catalogues: Catalogues) -> None:
    errors = [key for key in catalogues.texts["en"] if key.startswith("error.")]
    for language in ("ko", "vi"):
        assert [key for key in errors if catalogues.texts[language][key] == catalogues.texts["en"][key]] == []


def test_a_missing_key_raises(catalogues: Catalogues) -> None:
    with pytest.raises(MissingMessageError):
        catalogues.text("nowhere.to_be_found", "en")
    with pytest.raises(MissingMessageError):
        catalogues.messages(("nowhere",), "en")


def test_a_key_that_only_english_has_raises_for_the_area(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "home.en.po").write_text(head + 'msgid "home.live"\nmsgstr "Live: {count}"\n', encoding="utf-8")
    (tmp_path / "home.ko.po").write_text(head + 'msgid "home.live"\nmsgstr ""\n', encoding="utf-8")
    found = Catalogues.load(tmp_path)
    assert found.messages(("home",), "en") == {"home.live": "Live: {count}"}
    assert found.text("home.live", "en", count=3) == "Live: 3"
    with pytest.raises(KeyError):
        found.text("home.live", "en")
    with pytest.raises(MissingMessageError):
        found.messages(("home",), "ko")


@pytest.mark.parametrize(("name", "text"), [("home.xx.po", "a"), ("other.en.po", "home.live")])
def test_catalogues_that_clash_or_are_misnamed_are_refused(tmp_path: Path, name: str, text: str) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "home.en.po").write_text(head + 'msgid "home.live"\nmsgstr "Live"\n', encoding="utf-8")
    (tmp_path / name).write_text(head + f'msgid "{text}"\nmsgstr "x"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(name)):
        Catalogues.load(tmp_path)


@pytest.mark.parametrize(
    ("cookie", "accept", "chosen"),
    [
        (None, "", "en"),
        (None, "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", "ko"),
        (None, "fr-FR,fr;q=0.9,vi;q=0.5,en;q=0.4", "vi"),
        (None, "en;q=0.4,vi;q=0.5", "vi"),
        (None, "vi;q=0,fr", "en"),
        (None, "VI-VN", "vi"),
        (None, "de, *;q=0.5", "en"),
        (None, "ko;q=nonsense, vi;q=0.1", "vi"),
        (None, "ko;q=1.5, vi;q=0.1", "vi"),
        (None, "kok, viking", "en"),
        ("vi", "ko", "vi"),
        ("xx", "ko", "ko"),
        ("", "ko", "ko"),
    ],
)
def test_the_language_is_the_cookies_else_the_browsers(cookie: str | None, accept: str, chosen: str) -> None:
    assert negotiate(cookie, accept) == chosen


@given(st.text(max_size=60) | st.none(), st.text(max_size=600))
def test_any_header_gives_one_of_our_languages(cookie: str | None, accept: str) -> None:
    assert negotiate(cookie, accept) in LANGUAGES


QUALITIES = st.integers(0, 1000).map(lambda n: n / 1000)


@given(st.lists(st.tuples(st.sampled_from([*LANGUAGES, "fr", "zh-Hant-TW", "pt-BR"]), QUALITIES), max_size=6))
def test_the_best_quality_wins_and_the_first_among_equals(entries: list[tuple[str, float]]) -> None:
    header = ", ".join(f"{tag};q={quality:g}" for tag, quality in entries)
    ours = [(tag, quality) for tag, quality in entries if tag in LANGUAGES and quality > 0]
    wanted = max(ours, key=lambda entry: entry[1])[0] if ours else "en"
    assert negotiate(None, header) == wanted


@given(st.text(max_size=300))
def test_any_accept_header_is_read(accept: str) -> None:
    assert prefers_html(accept) in {True, False}
