"""QR codes (ISO/IEC 18004) as inline SVG, for phones that point at a screen or at paper."""

from __future__ import annotations

import segno
from markupsafe import Markup

QUIET_MODULES = 4
"""The standard's light margin; readers need it on dark pages."""


def qr_svg(text: str, label: str) -> Markup:
    """An SVG element, dark on white in every theme, as large as its box; `label` is told by screen readers."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn.replace("<svg ", '<svg role="img" aria-label="{}" ', 1)).format(label)  # noqa: S704 - segno's own; the label is escaped
