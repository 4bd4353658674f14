"""Delegation, stand and product pages as values; each costs the same few statements, however many companies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from expo.catalogue import queries
from expo.catalogue.service import delegation_view, exhibitor_view, expo_view
from expo.catalogue.views import DelegationPage, Moment, ProductPage, Showing, StandPage
from expo.edge.principal import Principal
from expo.errors import NotFound
from expo.ids import DelegationId, ExhibitorId, ExpoId, ProductId

Agenda = Callable[[AsyncSession, ExpoId, str, Principal | None], Awaitable[Sequence[Showing]]]
"""What is shown live in an expo and what this person may see again, in a language.

A feature above this one knows; `expo.app` hands it in.
"""

_FIRST = {"live": 0, "scheduled": 1, "ended": 2}


async def delegation_page(
    db: AsyncSession, delegation_id: DelegationId, language: str, agenda: Agenda, principal: Principal | None = None
) -> DelegationPage:
    """A delegation with all its companies. Raises NotFound `delegation.not_found`."""
    found = await queries.delegation(db, delegation_id)
    if found is None:
        raise NotFound("delegation.not_found", f"no delegation {delegation_id!r}")
    row, expo, agency = found
    companies = await queries.exhibitors_of_delegation(db, row.id)
    products = await queries.products(db, [company.id for company in companies])
    showings = in_order(await agenda(db, ExpoId(expo.id), language, principal))
    return DelegationPage(
        expo=expo_view(expo, agency, language),
        delegation=delegation_view(row, len(companies), language),
        companies=tuple(exhibitor_view(company, products.get(company.id, []), language) for company in companies),
        showings=tuple(showing for showing in showings if showing.delegation_id == row.id),
        moments=moments(showings),
    )


async def stand_page(
    db: AsyncSession, exhibitor_id: ExhibitorId, language: str, agenda: Agenda, principal: Principal | None = None
) -> StandPage:
    """A company's stand. Raises NotFound `exhibitor.not_found`."""
    company = (await queries.exhibitors(db, [exhibitor_id])).get(exhibitor_id)
    if company is None:
        raise NotFound("exhibitor.not_found", f"no exhibitor {exhibitor_id!r}")
    return _stand(
        await delegation_page(db, DelegationId(company.delegation_id), language, agenda, principal), exhibitor_id
    )


async def product_page(
    db: AsyncSession, product_id: ProductId, language: str, agenda: Agenda, principal: Principal | None = None
) -> ProductPage:
    """A product on its company's stand. Raises NotFound `product.not_found`."""
    found = await queries.product(db, product_id)
    if found is None:
        raise NotFound("product.not_found", f"no product {product_id!r}")
    _, company = found
    page = await delegation_page(db, DelegationId(company.delegation_id), language, agenda, principal)
    products = [product for stand in page.companies for product in stand.products]
    place = next(index for index, product in enumerate(products) if product.id == product_id)
    return ProductPage(
        stand=_stand(page, ExhibitorId(company.id)),
        product=products[place],
        before=products[place - 1] if place > 0 else None,
        after=products[place + 1] if place + 1 < len(products) else None,
    )


def in_order(showings: Sequence[Showing]) -> tuple[Showing, ...]:
    """What is live first, then what comes, soonest first, then what is over, newest first."""

    def place(showing: Showing) -> tuple[int, float]:
        at = showing.starts_at.timestamp()
        return _FIRST[showing.state], -at if showing.state == "ended" else at

    return tuple(sorted(showings, key=place))


def moments(showings: Sequence[Showing]) -> dict[ExhibitorId, tuple[Moment, ...]]:
    """Each company's parts in the order of the showings; within one, those to come before those that are over."""
    found: dict[ExhibitorId, list[Moment]] = {}
    for showing in showings:
        for part in sorted(showing.parts, key=lambda part: part.phase == "done"):
            found.setdefault(part.exhibitor_id, []).append(Moment(showing, part))
    return {exhibitor_id: tuple(those) for exhibitor_id, those in found.items()}


def _stand(page: DelegationPage, exhibitor_id: ExhibitorId) -> StandPage:
    company = next(company for company in page.companies if company.id == exhibitor_id)
    return StandPage(of=page, company=company, moments=page.moments.get(exhibitor_id, ()))
