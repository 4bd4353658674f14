"""Who may do what: roles, what a role may do in a showcase's room, and where its link leads. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from expo.errors import Forbidden
from expo.ids import ExhibitorId, ParticipantId, PersonId, RoomId, ShowcaseId

Role = Literal["organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician", "operator"]
ROLES: tuple[Role, ...] = get_args(Role)

Can = Literal["publish", "backstage", "start", "takeover", "watch", "preview", "run", "present", "write"]
CANS: tuple[Can, ...] = get_args(Can)

ROOM_GRANT_LIFE = timedelta(hours=12)
"""A long working day: an encoder set up in the morning still publishes in the evening."""
LINK_LIFE = timedelta(days=30)
LOGIN_LIFE = timedelta(days=14)
"""Of a login by a role link; one by an invitation lasts as long as the invitation."""
DEVICES_PER_LINK = 3
"""A messenger's own browser, the phone's browser, a computer."""
INVITABLE: tuple[Role, ...] = ("organiser", "exhibitor", "buyer", "interpreter", "moderator", "technician")
NAME_CHARS = 80
ENCODER = "-encoder"
"""What a person's encoder has behind the person's id, so that the room tells the two apart."""

CODE_ALPHABET = "23456789CFHJKMNPQRTVXY"
"""Nothing that is mistaken for its neighbour (0 O, 1 I L, 2 Z, 5 S, 6 G, 8 B), no vowel, nor D or W: a Vietnamese
keyboard makes other letters of those, and no word comes about."""
CODE_CHARS = 8
CODE_LIFE = timedelta(seconds=60)
CODE_REMEMBERED = timedelta(minutes=10)
"""So long it is told of a code that it was used or is too old, instead of that it is wrong."""
WRONG_CODES_WITHIN = timedelta(minutes=1)
WRONG_CODES_PER_NETWORK = 20
"""A hall of presenters behind one address mistypes this often a minute; right codes do not count."""
WRONG_CODES = 600
"""For everybody together. While ten codes are open all the time and somebody tries this many wrong ones every minute,
one of 22^8 codes is met once in 17 years."""

LinkState = Literal["open", "revoked", "expired", "full"]

_NONE: frozenset[Can] = frozenset()
_ROOM: dict[Role, frozenset[Can]] = {
    "organiser": frozenset({"publish", "start", "takeover", "watch", "write", "run"}),
    "exhibitor": frozenset({"publish", "start", "takeover", "watch", "write", "present"}),
    "buyer": frozenset({"watch", "write"}),
    "interpreter": frozenset({"watch", "write"}),
    "moderator": frozenset({"watch", "write"}),
    "technician": frozenset({"publish", "start", "takeover", "watch", "write"}),
    "operator": frozenset({"watch"}),
}


@dataclass(frozen=True, slots=True)
class RoomGrant:
    """What one participant may do in one room until `expires_at` (aware). `name` and `company` are shown to others.

    `role` is a person's role, `guest` for somebody who gave a name, empty where it does not matter; `exhibitor` is the
    company that an exhibitor speaks for.
    """

    room: RoomId
    participant: ParticipantId
    name: str
    can: frozenset[Can]
    expires_at: datetime
    role: Role | Literal["guest", ""] = ""
    exhibitor: ExhibitorId | None = None
    company: str = ""

    @property
    def person(self) -> PersonId:
        """Whose grant it is, be it the person's own or their encoder's."""
        return PersonId(self.participant.removesuffix(ENCODER))

    @property
    def issued_at(self) -> datetime:
        """When it was signed, or earlier: every grant of ours is given for `ROOM_GRANT_LIFE`, none for longer."""
        return self.expires_at - ROOM_GRANT_LIFE

    def require(self, what: Can) -> None:
        """Raise Forbidden `token.not_granted` unless the grant covers `what`."""
        if what not in self.can:
            raise Forbidden("token.not_granted", f"this token does not allow to {what}")


def room_rights(role: Role, *, own: bool) -> frozenset[Can]:
    """What `role` may do in a showcase's room.

    `own` says that the showcase is one of the person's: an exhibitor with a part in it; crew are at home everywhere.
    A stranger among the exhibitors watches like a buyer.
    """
    if role == "exhibitor" and not own:
        return frozenset({"watch", "write"})
    return _ROOM.get(role, _NONE)


def participants_of(person: PersonId) -> tuple[ParticipantId, ParticipantId]:
    """Every name under which one person takes part in rooms."""
    return ParticipantId(person), ParticipantId(f"{person}{ENCODER}")


def link_state(*, expires_at: datetime, revoked: bool, devices: int, known: bool, now: datetime) -> LinkState:
    """Whether an invitation lets this device in: `devices` are signed in by it, `known` says that this is one."""
    if revoked:
        return "revoked"
    if now >= expires_at:
        return "expired"
    return "open" if known or devices < DEVICES_PER_LINK else "full"


def plain_code(typed: str) -> str | None:
    """A one-time code as it was made, from what somebody typed or pasted; None when it cannot be one."""
    text = "".join(unicodedata.normalize("NFKC", typed).upper().replace("-", " ").split())
    return text if len(text) == CODE_CHARS and set(text) <= set(CODE_ALPHABET) else None


def landing(role: Role, showcase_id: ShowcaseId | None) -> str:
    """The path that a role's link leads to, on our own site.

    Interpreters come to the device check; exhibitors to their studio; who runs the show to the run of show; everybody
    else to the stage, or to the home page when the link names no showcase.
    """
    if role == "interpreter":
        return "/check"
    if showcase_id is None:
        return "/"
    page = {"exhibitor": "studio", "organiser": "run", "moderator": "run"}.get(role, "s")
    return f"/{page}/{showcase_id}"
