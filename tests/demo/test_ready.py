"""The ready file appears whole and leaves no trace, and what is printed is legible."""

import json
import stat
from pathlib import Path

import pytest

from expo.demo.ready import PersonLine, ReadyFile, ShowcaseLine, WorkerLine, remove_ready, write_ready
from expo.demo.table import welcome
from expo.errors import Unavailable

READY = ReadyFile(
    base_url="http://127.0.0.1:8080",
    openapi_url="http://127.0.0.1:8080/openapi.json",
    metrics_url="http://127.0.0.1:8080/metrics",
    workers=(WorkerLine(0, 4711, 40000),),
    people=(
        PersonLine("buyer", "Trần Thu Hà", "vi", "http://127.0.0.1:8080/enter/a"),
        PersonLine("exhibitor", "정하윤", "ko", "http://127.0.0.1:8080/enter/b"),
    ),
    showcases=(
        ShowcaseLine("l", "Live", "live", "http://127.0.0.1:8080/s/l", "http://127.0.0.1:8080/whep/l", None),
        ShowcaseLine("i", "Idle", "scheduled", "p", "e", "t", whip_url="whip-address", whip_token="whip-secret"),
    ),
)


def test_null_means_open_and_absent_means_no_encoder_of_yours(tmp_path: Path) -> None:
    write_ready(tmp_path / "r.json", READY)
    live, idle = json.loads((tmp_path / "r.json").read_text())["showcases"]
    assert list(live) == ["id", "title", "state", "page_url", "whep_url", "whep_token"]
    assert live["whep_token"] is None
    assert list(idle)[-2:] == ["whip_url", "whip_token"]


def test_it_is_private_replaces_an_old_one_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "made" / "r.json"
    write_ready(path, READY)
    path.chmod(0o644)
    write_ready(path, READY)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["r.json"]


def test_removing_clears_a_draft_of_a_killed_demo_and_is_harmless_twice(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    write_ready(path, READY)
    (tmp_path / ".r.json.new").write_text("half")
    remove_ready(path)
    remove_ready(path)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as failure:
        write_ready(tmp_path / "file" / "r.json", READY)
    assert failure.value.code == "run.unwritable"


def test_the_welcome_names_everybody_every_page_and_the_encoder() -> None:
    text = welcome(READY, None, None)
    for expected in ("Trần Thu Hà", "정하윤", "/enter/a", "/enter/b", "/s/l", "whip-address", "whip-secret", "Ctrl-C"):
        assert expected in text
    assert "▀" not in text


def test_columns_line_up_though_hangul_is_wide() -> None:
    rows = [line for line in welcome(READY, None, None).splitlines() if line.startswith(("  buyer", "  exhibitor"))]
    assert rows[0].index("Tiếng Việt") == rows[1].index("한국어") + len("정하윤")


def test_a_qr_code_leads_phones_to_what_is_on_air() -> None:
    text = welcome(READY, "http://192.0.2.7:8080", "192.0.2.7")
    assert "http://192.0.2.7:8080/s/l" in text
    assert "▀" in text
    assert max(len(line) for line in text.splitlines() if "█" in line or "▀" in line) < 80


def test_without_guests_it_says_how_to_let_them_in() -> None:
    assert "EXPO_ANNOUNCE=192.0.2.7 make demo" in welcome(READY, None, "192.0.2.7")
