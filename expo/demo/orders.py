"""What the synthetic exhibitor's process is told; apart from it, so that who tells need not load codecs and fonts."""

from __future__ import annotations

import msgspec

from expo.demo.script import Script
from expo.settings import LogFormat

ORDERS = "DEMO_ORDERS"
"""The environment variable that carries them, as JSON."""
AV_CHECK = "DEMO_AV_CHECK"
"""Set to anything in the demo's environment: flash and beep at each UTC second, for measuring lip sync."""


class Orders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to publish what."""

    whip_url: str
    whip_token: str
    script: Script
    log_format: LogFormat = "auto"
    av_check: bool = False
