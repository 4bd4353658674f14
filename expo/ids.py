"""Identifiers: opaque strings with a type each, so that a showcase id cannot be passed where a product id is meant."""

from __future__ import annotations

import secrets
import time
from typing import NewType

AgencyId = NewType("AgencyId", str)
ExpoId = NewType("ExpoId", str)
DelegationId = NewType("DelegationId", str)
ExhibitorId = NewType("ExhibitorId", str)
ProductId = NewType("ProductId", str)
ShowcaseId = NewType("ShowcaseId", str)
SegmentId = NewType("SegmentId", str)
PersonId = NewType("PersonId", str)
InvitationId = NewType("InvitationId", str)
LoginId = NewType("LoginId", str)
GuestId = NewType("GuestId", str)
RoomId = NewType("RoomId", str)
ParticipantId = NewType("ParticipantId", str)
ResourceId = NewType("ResourceId", str)
"""A WHIP or WHEP resource (RFC 9725 calls it the WHIP session): 128 random bits, so its URL is a capability."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case: no i, l, o, u to misread


def new_row_id() -> str:
    """A row's id: 26 characters, ordered by creation time (ULID layout: 48 bits of ms, 80 random)."""
    value = (time.time_ns() // 1_000_000 & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def new_resource_id() -> ResourceId:
    """An unguessable id for a media resource's URL."""
    return ResourceId(secrets.token_urlsafe(16))
