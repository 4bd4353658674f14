from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from expo.kit.startup import EXIT_CODES, EXIT_OTHER, EXIT_SETTINGS
from expo.settings import SETTINGS, Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"


def run(tool: str, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / tool), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_settings_in_the_documents_are_those_of_the_code() -> None:
    result = run("settings_table.py", "--check", OPERATIONS)

    assert result.returncode == 0, result.stdout


def test_a_stale_settings_table_is_noticed_and_written_anew(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("# Page\n<!-- settings -->\n| old |\n<!-- /settings -->\nEnd\n")

    assert run("settings_table.py", "--check", document).returncode == 1
    assert run("settings_table.py", document).returncode == 0
    assert run("settings_table.py", "--check", document).returncode == 0
    text = document.read_text()
    assert text.startswith("# Page\n<!-- settings -->\n| variable |")
    assert text.endswith("<!-- /settings -->\nEnd\n")
    assert all(f"`{setting.variable}`" in text for setting in SETTINGS)


def test_the_defaults_in_the_table_are_the_defaults() -> None:
    named = {setting.variable: setting.default for setting in SETTINGS if setting.default}

    assert Settings.from_env(named) == Settings.from_env({})


def test_every_exit_code_is_documented() -> None:
    documented = {
        int(code) for code in re.findall(r"^\| (\d+) \|", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert documented == {EXIT_SETTINGS, EXIT_OTHER, *EXIT_CODES.values()}


@pytest.mark.parametrize(("name", "lines", "code"), [("a.py", 500, 0), ("a.py", 501, 1), ("tests/test_a.py", 501, 0)])
def test_files_are_refused_over_their_limit(tmp_path: Path, name: str, lines: int, code: int) -> None:
    path = tmp_path / "expo" / name
    path.parent.mkdir(parents=True)
    path.write_text("x = 1\n" * lines)

    result = run("check_lengths.py", "expo", cwd=tmp_path)

    assert result.returncode == code, result.stdout
    assert (f"expo/{name}: {lines} lines, at most 500" in result.stdout) == bool(code)
