"""What an organiser sends to somebody invited: a message in that person's language with the link, and its QR code."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from expo.accounts.invitations import InvitationView
from expo.accounts.occasions import Occasion
from expo.edge.formats import Formats
from expo.edge.i18n import DEFAULT_LANGUAGE, LANGUAGES, Catalogues
from expo.edge.qr import qr_svg


@dataclass(frozen=True, slots=True)
class Letter:
    """A new link, for the only time that it is shown. `text` holds `url` and is in `language`."""

    invitation: InvitationView
    language: str
    url: str
    text: str
    code: Markup


def language_of(invitation: InvitationView) -> str:
    """The language to write to this person in."""
    return invitation.person.language if invitation.person.language in LANGUAGES else DEFAULT_LANGUAGE


def letter(invitation: InvitationView, url: str, occasion: Occasion, catalogues: Catalogues, label: str) -> Letter:
    """`occasion` in the person's language; `label` names the QR code for who made the link."""
    language, person = language_of(invitation), invitation.person
    formats, zone = Formats(language), occasion.clocks[0].zone
    text = catalogues.text(
        "invite.letter",
        language,
        name=person.name,
        agency=occasion.agency_name,
        title=occasion.title,
        role=catalogues.text(f"accounts.role.{person.role}", language),
        day=formats.date(occasion.starts_at, zone, width="full"),
        times=formats.both_times(occasion.starts_at, occasion.clocks),
        until=formats.date(invitation.expires_at, zone),
        url=url,
    )
    return Letter(invitation, language, url, text, qr_svg(url, label))
