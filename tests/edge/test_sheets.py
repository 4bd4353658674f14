"""CSV files for spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expo.edge.sheets import csv_file


def test_excel_reads_every_script_from_it() -> None:
    file = csv_file(["이름", "Công ty"], [["김민수", "Minh Châu, Hà Nội"], ['"Hà"', None], ["two\nlines", 12]])
    assert file == (
        b"\xef\xbb\xbf" + '이름,Công ty\r\n김민수,"Minh Châu, Hà Nội"\r\n"""Hà""",\r\n"two\nlines",12\r\n'.encode()
    )


@pytest.mark.parametrize("text", ["=1+1", "+84 90", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1", "\r=1", "\n=1"])
def test_no_text_is_a_formula(text: str) -> None:
    assert _read(csv_file(["a"], [[text]]))[1] == [f"'{text}"]


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=4))
def test_texts_come_back_and_none_begins_like_a_formula(cells: list[str]) -> None:
    (found,) = _read(csv_file([], [cells]))[1:]
    assert [text.removeprefix("'") for text in found] == [text.removeprefix("'") for text in cells]
    assert not [text for text in found if text.lstrip(" ")[:1] in "=+-@" and text.strip(" ")]


def _read(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))
