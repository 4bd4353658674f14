"""Lists of people as they are pasted."""

from __future__ import annotations

import pytest

from expo.accounts.lists import MOST_AT_ONCE, Listed, read_list
from expo.errors import Invalid


def test_a_line_is_a_person_and_a_company_may_follow() -> None:
    pasted = "김민수, 달구정밀\n\n  Nguyễn Văn An \n이서연\t팔공섬유\tmore\nHa；Foods, Ltd\n李，公司"
    assert read_list(pasted) == (
        Listed(1, "김민수", "달구정밀"),
        Listed(3, "Nguyễn Văn An", ""),
        Listed(4, "이서연", "팔공섬유\tmore"),
        Listed(5, "Ha", "Foods, Ltd"),
        Listed(6, "李", "公司"),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "text.no_words"), (" \n\t\n", "text.no_words"), ("a\n" * (MOST_AT_ONCE + 1), "invitation.too_many")],
)
def test_nobody_and_too_many_are_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_list(text)
    assert refused.value.code == code
