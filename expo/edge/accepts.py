"""Whether a person or a program reads the answer (RFC 9110 12.5.1)."""

from __future__ import annotations

_MAX_HEADER = 2000


def prefers_html(accept: str) -> bool:
    """True when `text/html` is named and not liked less than JSON: a page's `fetch` sends `*/*` and gets JSON."""
    html, json = 0.0, 0.0
    for entry in accept[:_MAX_HEADER].split(","):
        media_type, _, parameters = entry.partition(";")
        name = media_type.strip().lower()
        if name in {"text/html", "application/xhtml+xml"}:
            html = max(html, quality(parameters))
        elif name in {"application/json", "application/problem+json"}:
            json = max(json, quality(parameters))
    return html > 0 and html >= json


def quality(parameters: str) -> float:
    """The q-value (0..1) of one Accept-* entry's parameters; 1 when absent, 0 when it cannot be read."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                number = float(value.strip())
            except ValueError:
                return 0.0
            return number if 0.0 <= number <= 1.0 else 0.0
    return 1.0
