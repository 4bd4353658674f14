"""Words on the screen: every key that pages and scripts name exists, none is left over, none is left in English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from expo.accounts.rules import ROLES
from expo.archive.rules import CAUSES, SCOPES, Standing
from expo.catalogue.tables import INCOTERMS
from expo.edge.i18n import Catalogues
from expo.showcases.rules import STATES

WEB = Path(__file__).parents[2] / "web"
LANGUAGES = ("ko", "vi")
AREAS = ("accounts", "after", "archive", "catalogue", "common", "home", "invite", "make", "replay", "stage", "status")
"""Catalogues whose keys are all spelt out in templates and scripts; others are asked for by code."""
CHECKS = {
    "companies": ("done", "missing"), "start": ("done", "missing"), "titles": ("done", "hint"),
    "products": ("done", "hint"), "length": ("done", "hint"),
}  # fmt: skip
PLANES, DISKS = ("store", "cluster", "media"), ("data", "recordings", "both")
BUILT = {
    "accounts": {"accounts.elsewhere.qr"} | {f"accounts.role.{role}" for role in ROLES}
    | {f"accounts.{state}.{part}" for state in ("full", "expired", "revoked") for part in ("title", "text")},
    "after": {f"after.stand.{stand}" for stand in ("to_come", "on", "left_out")}
    | {f"after.sheet.{title}" for title in ("exhibitor", "product", "name", "company", "minute")},
    "archive": {f"archive.said.{said}" for said in ("saved", "hidden", "shown", "withdrawn", "restored", "deleted")}
    | {f"archive.standing.{standing}" for standing in get_args(Standing)}
    | {f"archive.why.{standing}" for standing in ("undecided", "no_consent", "nobody")}
    | {f"archive.gone.{cause}" for cause in CAUSES}
    | {f"archive.gap.{reason}" for reason in ("lost", "queue", "disk")} | {"archive.original", "archive.channel"}
    | {f"archive.{of}.{scope}" for of in ("scope", "consent.scope") for scope in SCOPES}
    | {f"archive.scope.{scope}.hint" for scope in SCOPES} | {f"archive.film.{stage}" for stage in ("waiting", "making")}
    | {f"archive.consent.said.{said}" for said in ("saved", "untold")},
    "invite": {f"invite.standing.{standing}" for standing in ("waiting", "in_use", "full", "expired", "revoked")}
    | {"invite.letter", "invite.qr_of", "invite.qr_stage"},
    "make": {f"make.check.{code}.{standing}" for code, standings in CHECKS.items() for standing in standings}
    | {f"make.state.{state}" for state in STATES}
    | {f"make.{told}" for told in ("closed.live", "closed.ended", "said.saved", "said.announced", "said.withdrawn")},
    "replay": {f"replay.{why}.{part}" for why in ("waiting", "preparing", "hidden", "none") for part in
               ("title", "text", "next")}
    | {f"replay.{why}.{part}" for why in ("unable", "failed") for part in ("title", "text")}
    | {f"replay.health.{word}{more}" for word in ("good", "slow", "waiting", "offline") for more in ("", "_text")}
    | {f"replay.health.{figure}" for figure in ("ahead", "network", "needed", "size", "dropped")},
    "catalogue": {f"catalogue.incoterm.{rule.lower()}" for rule in INCOTERMS},
    "stage": {f"stage.{scene}.{part}" for part in ("title", "text") for scene in
              ("draft", "ended", "full", "failed", "codec", "starting", "invited", "offline")}
    | {f"stage.quality.{figure}" for figure in ("rtt", "loss", "bitrate", "fps", "size")},
    "status": {f"status.plane.{plane}" for plane in PLANES} | {f"status.disk.{disk}" for disk in DISKS}
    | {f"status.trouble.{code}{more}" for more in ("", ".do") for code in
       (*(f"plane.{plane}" for plane in PLANES), *(f"disk.{disk}" for disk in DISKS),
        "worker_silent", "worker_full", "room_alone", "not_recorded")},
}  # fmt: skip
"""Keys that scripts and templates put together."""


@pytest.fixture(scope="module")
def catalogues() -> Catalogues:
    return Catalogues.load(WEB / "locale")


def named() -> set[str]:
    """Every `"area.key"` text in templates and scripts."""
    files = [*(WEB / "templates").rglob("*.html"), *(WEB / "src").rglob("*.ts")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files if not path.name.endswith(".test.ts"))
    return set(
        re.findall(
            r"""["'`]((?:accounts|after|archive|catalogue|common|home|invite|make|replay|stage|status|studio|check)"""
            r"""\.[a-z_.]+[a-z])["'`]""",
            source,
        )
    )


def test_every_named_key_has_words(catalogues: Catalogues) -> None:
    known = {*catalogues.texts["en"]}
    assert sorted(named() - known) == []


def test_no_words_are_left_over(catalogues: Catalogues) -> None:
    used = named() | {key for keys in BUILT.values() for key in keys}
    assert [key for area in AREAS for key in catalogues.areas[area] if key not in used] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_not_left_in_english_but_for_the_allowed(catalogues: Catalogues, language: str) -> None:
    allowed = set((WEB / "locale" / "same.txt").read_text(encoding="utf-8").split())
    texts = catalogues.texts
    same = [
        key for key, text in texts["en"].items() if texts[language][key] == text and f"{language}:{key}" not in allowed
    ]
    assert same == []


def test_the_allow_list_holds_only_what_it_must(catalogues: Catalogues) -> None:
    texts = catalogues.texts
    entries = (WEB / "locale" / "same.txt").read_text(encoding="utf-8").split()
    idle = [
        entry
        for entry in entries
        for language, _, key in [entry.partition(":")]
        if key not in texts["en"] or texts[language][key] != texts["en"][key]
    ]
    assert idle == []
    assert entries == sorted(set(entries))


def test_korean_and_vietnamese_address_people_as_agreed(catalogues: Catalogues) -> None:
    """No 당신, no particle glued to a variable; never bạn."""
    korean, vietnamese = catalogues.texts["ko"], catalogues.texts["vi"]
    assert [key for key, text in korean.items() if "당신" in text] == []
    assert [
        key for key, text in korean.items() if re.search(r"\{\w+\}(?:은|는|이|가|을|를|과|와|으로|로)(?!\w)", text)
    ] == []
    assert [key for key, text in vietnamese.items() if re.search(r"\bbạn\b", text, re.IGNORECASE)] == []
