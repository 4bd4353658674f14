"""QR codes on pages."""

from __future__ import annotations

import re

import segno

from expo.edge.qr import QUIET_MODULES, qr_svg

LINK = "https://expo.example/i/9k2m4p6r8t0v1w3x5y7z9a1b3c5d7e9f1g3h5j7"


def test_a_code_is_dark_on_white_with_its_margin_and_no_style() -> None:
    drawn = str(qr_svg(LINK, "QR"))
    size = segno.make(LINK, error="m", micro=False).symbol_size(border=QUIET_MODULES)[0]
    assert f'viewBox="0 0 {size} {size}"' in drawn
    assert ('fill="#fff"' in drawn, 'stroke="#000"' in drawn, "style=" in drawn) == (True, True, False)


def test_a_label_cannot_leave_its_attribute() -> None:
    drawn = str(qr_svg(LINK, '"><script>{}'))
    assert re.search(r'aria-label="&#34;&gt;&lt;script&gt;\{\}"', drawn)
