"""What a seeded server gives to people and programs: role links, tokens, and the synthetic exhibitor's orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from expo.accounts import service as accounts
from expo.accounts.tokens import Tokens
from expo.catalogue.views import ProductView
from expo.clock import utc_now
from expo.demo.ready import PersonLine, ReadyFile, ShowcaseLine, WorkerLine
from expo.demo.script import GREETINGS, Item, Script, script_for
from expo.demo.seed import Seeded, SeededPerson
from expo.ids import ShowcaseId
from expo.showcases import service as showcases
from expo.store.db import Database
from expo.supervisor import WorkerInfo

LANGUAGE = "en"
"""The language of titles in the ready file and in the picture; its readers are scripts and people of any language."""

_KINDS: Mapping[str, str] = {
    "serum": "bottle",
    "syrup": "bottle",
    "sunscreen": "bottle",
    "cream": "jar",
    "garlic": "jar",
    "tea": "bowl",
    "noodles": "bowl",
    "pot": "bowl",
    "snack": "pouch",
    "kelp": "pouch",
    "dried": "pouch",
}
_MOST_SLIDES = 4


class Links:
    """Mints addresses and tokens for one running demo; `base_url` is without a final slash."""

    def __init__(self, base_url: str, database: Database, tokens: Tokens, seeded: Seeded) -> None:
        self._base_url = base_url
        self._database = database
        self._tokens = tokens
        self._seeded = seeded

    async def ready_file(self, workers: Sequence[WorkerInfo]) -> ReadyFile:
        """Everything, as it is now."""
        return ReadyFile(
            base_url=self._base_url,
            openapi_url=f"{self._base_url}/openapi.json",
            metrics_url=f"{self._base_url}/metrics",
            workers=tuple(WorkerLine(worker.index, worker.pid, worker.udp_port) for worker in workers),
            people=tuple(self._person(person) for person in self._seeded.people),
            showcases=tuple([await self._showcase(showcase_id) for showcase_id in self._seeded.showcases]),
        )

    async def publish_token(self, showcase_id: ShowcaseId) -> str:
        """A token to publish with, as the showcase's own exhibitor hands it to an encoder."""
        person = self._someone("exhibitor", showcase_id)
        async with self._database.read() as db:
            grant = await showcases.room_grant(db, showcase_id, person.id, utc_now())
        return self._tokens.sign(showcases.encoder_grant(grant))

    def whip_url(self, showcase_id: ShowcaseId) -> str:
        return f"{self._base_url}/whip/{showcase_id}"

    def whep_url(self, showcase_id: ShowcaseId) -> str:
        return f"{self._base_url}/whep/{showcase_id}"

    async def live_script(self) -> Script:
        """The programme of the company that is on in the live showcase."""
        async with self._database.read() as db:
            views = {language: await showcases.stage_view(db, self._seeded.live, language) for language in GREETINGS}
        view = views[LANGUAGE]
        company = view.exhibitor
        presenter = ", ".join(part for part in (company.presenter, company.presenter_title) if part)
        return script_for(
            names={language: each.exhibitor.name for language, each in views.items()},
            mark=company.mark,
            delegation=view.delegation.name,
            presenter=presenter,
            items=tuple(_item(product) for product in company.products[:_MOST_SLIDES]),
        )

    def _person(self, person: SeededPerson) -> PersonLine:
        link = accounts.sign_link(self._tokens, person.id, person.role, person.showcase_id, utc_now())
        return PersonLine(person.role, person.name, person.language, f"{self._base_url}/enter/{link}")

    async def _showcase(self, showcase_id: ShowcaseId) -> ShowcaseLine:
        async with self._database.read() as db:
            state = await showcases.showcase_state(db, showcase_id, LANGUAGE)
            grant = None
            if not state.open_to_all:
                buyer = self._someone("buyer", showcase_id)
                grant = await showcases.room_grant(db, showcase_id, buyer.id, utc_now())
        line = ShowcaseLine(
            id=state.id,
            title=state.title,
            state=state.state,
            page_url=f"{self._base_url}/s/{state.id}",
            whep_url=self.whep_url(state.id),
            whep_token=None if grant is None else self._tokens.sign(grant),
        )
        if showcase_id != self._seeded.idle:
            return line
        return ShowcaseLine(
            id=line.id,
            title=line.title,
            state=line.state,
            page_url=line.page_url,
            whep_url=line.whep_url,
            whep_token=line.whep_token,
            whip_url=self.whip_url(showcase_id),
            whip_token=await self.publish_token(showcase_id),
        )

    def _someone(self, role: str, showcase_id: ShowcaseId) -> SeededPerson:
        """A person of that role, one of the showcase's own if there is one."""
        able = [person for person in self._seeded.people if person.role == role]
        return next((person for person in able if person.showcase_id == showcase_id), able[0])


def _item(product: ProductView) -> Item:
    kind = next((kind for word, kind in _KINDS.items() if word in product.slug.split("-")), "carton")
    facts = (product.terms, f"Minimum order {product.moq}" if product.moq else "", ", ".join(product.papers))
    return Item(product.name, tuple(fact for fact in facts if fact), kind)
