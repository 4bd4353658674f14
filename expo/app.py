"""The one place where things are wired: what a worker opens, in which order, and who gets to see what."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncIterator

from aiohttp import web

from expo.accounts import invite_pages
from expo.accounts import routes as accounts
from expo.accounts.codes import Codes
from expo.accounts.guests import guest
from expo.accounts.keys import CODES, OCCASIONS, REVOCATIONS, TOKENS
from expo.accounts.revocations import Revocations
from expo.accounts.rules import ENCODER, landing, participants_of
from expo.accounts.service import People, known_role
from expo.accounts.tokens import Tokens
from expo.archive.keys import LIBRARY, ON_CONSENT, POSTERS, RECORDER
from expo.archive.opening import archive
from expo.archive.policy import ArchivePolicy
from expo.catalogue import pages as stands
from expo.catalogue.pages import AGENDA
from expo.clock import utc_now
from expo.cluster.presence import Presence
from expo.cluster.redis import Valkey
from expo.cluster.workers import WorkerIdentity, WorkerRegistry, owner_name, private_socket
from expo.edge import http
from expo.edge.auth import identify
from expo.edge.keys import DATABASE, EDGE_STATS, LANDING, PRINCIPALS, SETTINGS
from expo.edge.principal import Principal
from expo.errors import Unavailable
from expo.ids import ParticipantId, RoomId, new_row_id
from expo.kit.tasks import Nursery
from expo.media.engine import EngineConfig, MediaEngine
from expo.ops import health, metrics, status_pages
from expo.rooms import media, private
from expo.rooms.attendance import Attendance
from expo.rooms.backstage import Backstage
from expo.rooms.commands import Actor
from expo.rooms.door import Door, proof_of
from expo.rooms.gateway import Rooms
from expo.rooms.host import RoomHost
from expo.rooms.recording import Recordings
from expo.rooms.room import Room
from expo.rooms.room_owner import RoomOwner
from expo.rooms.sibling import Sibling
from expo.rooms.socket import RoomSockets
from expo.settings import Settings
from expo.showcases import admission, after_pages, agenda, interest, make, pages, run, studio
from expo.showcases import routes as showcases
from expo.showcases.archived import ArchivedShows
from expo.showcases.keys import DOOR, OPEN_ROOMS
from expo.showcases.occasions import occasion
from expo.showcases.open_rooms import OpenRooms
from expo.showcases.opening import ShowcaseProgrammes
from expo.showcases.policy import ShowcaseRooms
from expo.showcases.projector import ShowcaseFacts
from expo.store.db import Database

IDENTITY = web.AppKey("identity", WorkerIdentity)
VALKEY = web.AppKey("valkey", Valkey)
ENGINE = web.AppKey("engine", MediaEngine)
ROOMS = web.AppKey("rooms", RoomHost)
OWNER = web.AppKey("owner", RoomOwner)
OWN_DOOR = web.AppKey("own_door", Door)
GATEWAY = web.AppKey("gateway", Rooms)
SOCKETS = web.AppKey("sockets", RoomSockets)


def build(settings: Settings, identity: WorkerIdentity) -> web.Application:
    """The application of one worker; nothing is opened before it starts. Serve it with `edge.server.EdgeRunner`."""
    app = http.application(trusted_proxies=settings.trusted_proxies)
    app[SETTINGS] = settings
    app[IDENTITY] = identity
    app.cleanup_ctx.extend((_store, _cluster, _people, _media, _rooms, _archive, _sockets, _http))  # closed in reverse
    return app


def landing_of(principal: Principal) -> str:
    """Where a person's link leads; from the device check they go on to their showcase."""
    path = landing(known_role(principal.role), principal.showcase_id)
    return f"/check?next=/s/{principal.showcase_id}" if path == "/check" and principal.showcase_id else path


async def admit(request: web.Request, room: RoomId, token: str | None) -> Actor | None:
    """Who a socket is to a room: by login, else as a guest, else by its room token."""
    now = utc_now()
    principal = await identify(request)
    grant = request.app[REVOCATIONS].verify(token, now, room=room) if token else None
    return (
        await admission.admit(
            request.app[DATABASE], room, principal=principal, guest=guest(request), grant=grant, now=now
        )
    ).actor


def seat_of(participant: ParticipantId) -> ParticipantId:
    """The seat of the person whose encoder this is."""
    return ParticipantId(participant.removesuffix(ENCODER))


async def _store(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[TOKENS] = tokens = Tokens(settings.load_secret())
    app[DATABASE] = database = await Database.open(settings.effective_database_url)
    app[PRINCIPALS] = People(database, tokens)
    app[LANDING] = landing_of
    app[OCCASIONS] = occasion
    yield
    await database.close()


async def _cluster(app: web.Application) -> AsyncIterator[None]:
    app[VALKEY] = valkey = Valkey(app[SETTINGS].effective_redis_url)
    registry, nursery = WorkerRegistry(valkey, app[IDENTITY]), Nursery("cluster")
    nursery.keep("registry", registry.run)
    yield
    await nursery.close()
    with contextlib.suppress(Unavailable):
        await registry.leave()
    await valkey.close()


async def _people(app: web.Application) -> AsyncIterator[None]:
    app[CODES] = Codes(app[TOKENS], app[DATABASE], app[VALKEY])
    app[REVOCATIONS] = revocations = Revocations(app[TOKENS], app[DATABASE], app[VALKEY])
    await revocations.open()
    yield
    await revocations.close()


async def _media(app: web.Application) -> AsyncIterator[None]:
    settings, identity = app[SETTINGS], app[IDENTITY]
    app[ENGINE] = engine = await MediaEngine.open(
        EngineConfig(
            bind=settings.udp_bind,
            port=identity.udp_port,
            announced=settings.announce,
            viewer_budget=settings.viewers_per_worker,
        )
    )
    yield
    await engine.close()


async def _rooms(app: web.Application) -> AsyncIterator[None]:
    settings, identity, valkey = app[SETTINGS], app[IDENTITY], app[VALKEY]
    app[ROOMS] = host = RoomHost(app[ENGINE], ShowcaseRooms(app[DATABASE]))
    app[REVOCATIONS].on_revoked(lambda person: [host.expel(name) for name in participants_of(person)])

    def taken(room: Room) -> None:
        backstage.attend(room)
        app[GATEWAY].taken(room)

    def lost(room: RoomId) -> None:
        recordings.forget(room)
        host.shut(room, "moved")
        app[GATEWAY].lost(room)

    def ended(room: RoomId) -> None:
        app[POSTERS].prepare(room)

    app[OWNER] = owner = RoomOwner(
        valkey,
        owner_name(identity.index, new_row_id()),
        ShowcaseProgrammes(app[DATABASE]),
        projectors=[ShowcaseFacts(app[DATABASE])],
        on_lost=lost,
        on_taken=taken,
    )
    policy = ArchivePolicy(app[DATABASE], ArchivedShows(app[DATABASE]), on_ended=ended)
    recordings = Recordings(settings.recordings_dir, host, policy)
    backstage = Backstage(owner, host, recordings, seat_of)
    proof = proof_of(settings.load_secret())
    others = [index for index in range(settings.workers) if index != identity.index]
    siblings = {index: Sibling(private_socket(settings, index), proof) for index in others}
    app[DOOR] = app[OWN_DOOR] = way = Door(owner, host, recordings, valkey, siblings, proof)
    app[ON_CONSENT], app[RECORDER] = way.review, way.recording_health
    app[GATEWAY] = rooms = Rooms(way, valkey)
    host.open()
    owner.open()
    backstage.open()
    rooms.open()
    yield
    await rooms.close()
    await backstage.close()
    await recordings.close()
    await host.close()  # before the rooms are free: who is sent away finds them with another worker
    await owner.close()
    await way.close()


async def _archive(app: web.Application) -> AsyncIterator[None]:
    shows, root = ArchivedShows(app[DATABASE]), app[SETTINGS].recordings_dir
    async with archive(app, shows, root, sweeps=app[IDENTITY].index == 0):
        yield


async def _sockets(app: web.Application) -> AsyncIterator[None]:
    app[SOCKETS] = sockets = RoomSockets(app[GATEWAY], admit)
    app[REVOCATIONS].on_revoked(lambda person: sockets.expel(participants_of(person), "token.revoked"))

    async def cut(_app: web.Application) -> None:
        await sockets.close()

    app.on_shutdown.append(cut)  # before the runner waits for handlers: a socket's lasts as long as the socket
    owner = app[OWNER]
    attendance = Attendance(Presence(app[VALKEY], new_row_id()), sockets.sitting, lambda: owner.rooms)
    attendance.open()
    yield
    await attendance.close()
    await sockets.close()


async def _http(app: web.Application) -> AsyncIterator[None]:
    settings, identity = app[SETTINGS], app[IDENTITY]
    probes: dict[str, health.Probe] = {"store": app[DATABASE].ping, "cluster": app[VALKEY].ping}
    sources: dict[str, metrics.Source] = {"http": app[EDGE_STATS].snapshot}
    sources["sockets"] = lambda: {"open": len(app[SOCKETS].server)}
    app.add_routes(app[SOCKETS].server.routes())
    probes["media"] = app[ENGINE].probe
    sources["media"] = app[ENGINE].stats.snapshot
    sources["rooms"] = lambda: {"open": app[ROOMS].rooms}
    way = app[OWN_DOOR]
    proof, placed = proof_of(settings.load_secret()), way.at_owner(media.room_of)
    app.add_routes(media.routes(app[ROOMS], app[REVOCATIONS].verify, proof, at_owner=placed))
    app.add_routes(private.routes(way))
    siblings = [(index, private_socket(settings, index)) for index in range(settings.workers)]
    app.add_routes(health.routes(probes))
    meters = metrics.Meters(identity, sources, lambda: siblings)
    app.add_routes(metrics.routes(meters))
    app.add_routes(status_pages.routes(meters, probes, app[VALKEY]))
    app[AGENDA] = functools.partial(agenda.showings, library=app[LIBRARY])
    app[OPEN_ROOMS] = OpenRooms(app[VALKEY], app[GATEWAY], ShowcaseProgrammes(app[DATABASE]))
    for feature in (accounts, invite_pages, showcases, pages, stands, studio, run, make, after_pages, interest):
        app.add_routes(feature.routes())
    yield
