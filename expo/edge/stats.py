"""Counters of the HTTP edge, for `/metrics`; one writer, the event loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class EdgeStats:
    """Since the start of this worker."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter[tuple[str, int]])
    """By route pattern and status class (2 for 2xx)."""
    errors: Counter[str] = field(default_factory=Counter[str])
    """By error code; `server.error` counts our own bugs."""
    connections: int = 0
    """Open now."""
    headers_late: int = 0
    """Connections closed because no whole request header came in time."""
    evicted: int = 0
    """Connections closed to make room: the oldest without a whole header, over the cap of its address."""

    def snapshot(self) -> dict[str, int]:
        """Totals by name, for a metrics page without labels."""
        return {
            "http_connections": self.connections,
            "http_headers_late_total": self.headers_late,
            "http_evicted_total": self.evicted,
            "http_answers_total": sum(self.answers.values()),
            "http_errors_total": sum(self.errors.values()),
            "http_server_errors_total": self.errors["server.error"],
        }
