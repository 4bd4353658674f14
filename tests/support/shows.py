"""A showcase with three companies and the people around it, for tests of rooms."""

from __future__ import annotations

from expo.ids import ExhibitorId, ParticipantId, ProductId, RoomId, SegmentId
from expo.rooms import commands as do
from expo.rooms.commands import Actor, Can, Command
from expo.rooms.machine import decide, record, reduce
from expo.rooms.model import SeatRole, Segment, State

ROOM = RoomId("chungbuk")
NOON_MS = 1_795_330_800_000
FOREVER_MS = 4_000_000_000_000


def segment(number: int) -> Segment:
    """`s1` of exhibitor `e1` with the products `p1` and `p1b`, and so on."""
    products = (ProductId(f"p{number}"), ProductId(f"p{number}b"))
    return Segment(id=SegmentId(f"s{number}"), exhibitor=ExhibitorId(f"e{number}"), planned_s=600, products=products)


def draft() -> State:
    """Three companies, nobody there."""
    return State(room=ROOM, revision=0, segments=tuple(segment(number) for number in (1, 2, 3)))


def person(
    name: str,
    *can: Can,
    exhibitor: str | None = None,
    role: SeatRole | None = None,
    company: str = "Sao Mai Trading",
    expires_at_ms: int = FOREVER_MS,
    room: RoomId = ROOM,
) -> Actor:
    """Somebody with these grants; the participant is the name in lower case."""
    return Actor(
        room=room,
        participant=ParticipantId(name.lower().replace(" ", "-")[:64]),
        name=name,
        can=frozenset(can),
        expires_at_ms=expires_at_ms,
        company=company,
        role=role,
        exhibitor=ExhibitorId(exhibitor) if exhibitor else None,
    )


MAI = person("Mai", "run", "write", role="organiser")
MINSU = person("Minsu", "run", "write", role="organiser")
KIM = person("Kim", "present", "write", exhibitor="e1", role="exhibitor")
PARK = person("Park", "present", "write", exhibitor="e2", role="exhibitor")
LEE = person("Lee", "present", "write", exhibitor="e3", role="exhibitor")
HOA = person("Hoa", "write")
LAN = person("Lan", "write")
KERNEL = person("Kernel", "kernel")


class Show:
    """A room without a task or a store: commands are decided and folded at once, on a clock of its own."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or draft()
        self.now_ms = NOON_MS

    def do(self, actor: Actor, command: Command) -> list[str]:
        """The `type`s of what happened. Raises what `decide` raises."""
        events = decide(self.state, command, actor, self.now_ms)
        for entry in record(self.state, events, self.now_ms, None):
            self.state = reduce(self.state, entry)
        return [type(event).__name__ for event in events]

    def later(self, s: float) -> None:
        """Let time pass, and the countdown end."""
        self.now_ms += round(s * 1000)
        self.do(KERNEL, do.Advance())

    def live(self) -> Show:
        """On the air, with Kim, Park and Lee in their seats and ready; nobody's part has begun."""
        for command in (do.OpenWaitingRoom(), do.GoLive()):
            self.do(MAI, command)
        for exhibitor in (KIM, PARK, LEE):
            self.do(exhibitor, do.TakeSeat())
            self.do(exhibitor, do.SetReady(ready=True))
        return self

    def next(self, number: int) -> Show:
        """Company `number` is on after its countdown."""
        self.do(MAI, do.ArmNext(segment=SegmentId(f"s{number}")))
        self.later(3)
        return self
