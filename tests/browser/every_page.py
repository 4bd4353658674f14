"""The register of pages: every page of the server is here, with an address at which axe reads it.

Whoever adds a page adds a line to `PAGES`; `test_pages` fails without it. Addresses may hold `{invitation}` and
`{withdrawn}`.
"""

from __future__ import annotations

from dataclasses import dataclass

from expo.accounts import invitations
from expo.accounts.invitations import Wanted
from expo.clock import utc_now
from expo.ids import ExpoId, ShowcaseId
from expo.showcases.occasions import occasion
from tests.support.browser import Site


@dataclass(frozen=True, slots=True)
class Seen:
    """One page as one reader sees it. `route` as OpenAPI writes it; `role` is who is signed in, or nobody."""

    name: str
    route: str
    address: str
    role: str | None = None
    status: int = 200


PAGES = (
    Seen("home", "/", "/"),
    Seen("waiting", "/s/{showcase_id}", "/s/daegu"),
    Seen("far", "/s/{showcase_id}", "/s/jeonnam"),
    Seen("ended", "/s/{showcase_id}", "/s/daegu-textiles"),
    Seen("no replay", "/s/{showcase_id}/replay", "/s/daegu-textiles/replay"),
    Seen("check", "/check", "/check"),
    Seen("programme", "/programme", "/programme"),
    Seen("delegation", "/delegations/{delegation_id}", "/delegations/chungbuk"),
    Seen("stand", "/stands/{exhibitor_id}", "/stands/palgong-textile"),
    Seen("product", "/products/{product_id}", "/products/camellia-serum"),
    Seen("invitation", "/i/{secret}", "{invitation}"),
    Seen("withdrawn", "/i/{secret}", "{withdrawn}", status=410),
    Seen("signed out", "/sign-out", "/sign-out"),
    Seen("code", "/code", "/code"),
    Seen("elsewhere", "/elsewhere", "/elsewhere"),
    Seen("insecure", "/elsewhere", "/elsewhere?why=insecure"),
    Seen("missing", "/{path}", "/nothing-here", status=404),
    Seen("sign out", "/sign-out", "/sign-out", "exhibitor"),
    Seen("elsewhere with a code", "/elsewhere", "/elsewhere", "exhibitor"),
    Seen("signed in already", "/code", "/code", "exhibitor"),
    Seen("studio", "/studio/{showcase_id}", "/studio/jeonnam", "organiser"),
    Seen("make", "/make", "/make", "organiser"),
    Seen("make one", "/make/{showcase_id}", "/make/chungbuk-encore", "organiser"),
    Seen("after", "/after/{showcase_id}", "/after/daegu-textiles", "organiser"),
    Seen("status", "/status", "/status", "organiser"),
    Seen("recording", "/s/{showcase_id}/recording", "/s/daegu-textiles/recording", "organiser"),
    Seen("consent", "/s/{showcase_id}/consent", "/s/chungbuk/consent", "exhibitor"),
    Seen("invite", "/invite/{showcase_id}", "/invite/jeonnam", "organiser"),
    Seen("run", "/run/{showcase_id}", "/run/jeonnam", "organiser"),
)


async def addresses(site: Site, role: str | None = None) -> dict[str, str]:
    """Name to whole address of the pages that this role reads; None is a stranger, who needs no login."""
    links = await _links(site) if role is None else {}
    return {page.name: site.url + page.address.format(**links) for page in PAGES if page.role == role}


async def _links(site: Site) -> dict[str, str]:
    """Paths of two invitations: one to accept, one that was withdrawn."""
    now = utc_now()
    async with site.database.write() as db:
        to = await occasion(db, ShowcaseId("daegu"), "en")
        minsu = Wanted("exhibitor", name="김민수", company="dalgu-precision")
        _, opened = await invitations.invite(db, to, minsu, None, now)
        view, closed = await invitations.invite(db, to, minsu, None, now)
        await invitations.revoke_invitation(db, view.id, ExpoId(to.expo_id), now)
    return {"invitation": f"/i/{opened}", "withdrawn": f"/i/{closed}"}
