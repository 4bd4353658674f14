from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]

SKIPS = {
    "mark": "import pytest\n@pytest.mark.skip(reason='later')\ndef test_a(): pass\n",
    "call": "import pytest\ndef test_a(): pytest.skip('later')\n",
    "fixture": "import pytest\n@pytest.fixture\ndef f(): pytest.skip('later')\ndef test_a(f): pass\n",
    "xfail": "import pytest\n@pytest.mark.xfail\ndef test_a(): assert 0\n",
    "xpass": "import pytest\n@pytest.mark.xfail\ndef test_a(): pass\n",
    "module": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass\n",
}


def outcome(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:valkey",
            "-p",
            "no:schemathesis",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.conftest",
            str(folder),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("kind", SKIPS)
def test_a_test_that_does_not_run_fails(tmp_path: Path, kind: str) -> None:
    result = outcome(tmp_path, SKIPS[kind])

    assert result.returncode != 0, result.stdout
    assert "skipped" not in result.stdout.splitlines()[-1]


def test_a_test_that_runs_passes(tmp_path: Path) -> None:
    assert outcome(tmp_path, "def test_a(): assert 1 + 1 == 2\n").returncode == 0
