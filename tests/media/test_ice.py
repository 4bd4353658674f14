"""The gate before DTLS and SRTP: who gets an answer, whose address is opened, who owns it."""

from dataclasses import dataclass, field

import pytest

from expo.media.ice import Address, IceGate, new_credentials, plain_address
from expo.media.stun import MessageClass, build_error, build_request, parse_stun

HOME: Address = ("::ffff:192.0.2.7", 5000, 0, 0)
TRAIN: Address = ("2001:db8::7", 6000, 0, 0)


@dataclass(eq=False)
class Peer:
    ice_ufrag: str = "srv1"
    ice_pwd: str = "p" * 24
    remote_ufrag: str = "cli1"
    address: Address | None = None
    opened: list[Address] = field(default_factory=list[Address])
    nominations: list[bool] = field(default_factory=list[bool])

    def checked(self, *, nominated: bool) -> None:
        self.nominations.append(nominated)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
def gate(peer: Peer) -> IceGate[Peer]:
    gate: IceGate[Peer] = IceGate()
    gate.add(peer)
    return gate


def request(peer: Peer, *, password: str | None = None, username: str | None = None, nominate: bool = False) -> bytes:
    return build_request(
        b"transaction1",
        username or f"{peer.ice_ufrag}:{peer.remote_ufrag}",
        password or peer.ice_pwd,
        priority=1,
        controlling=7,
        use_candidate=nominate,
    )


def test_an_authenticated_check_is_answered_with_the_address_it_came_from(gate: IceGate[Peer], peer: Peer) -> None:
    answer = gate.check(request(peer), HOME)
    assert answer is not None
    message = parse_stun(answer)
    assert message.message_class is MessageClass.SUCCESS
    assert message.xor_mapped_address == ("192.0.2.7", 5000)
    assert message.integrity_ok(peer.ice_pwd)
    assert gate.by_address[HOME] is peer


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(request(Peer(), password="q" * 24), id="wrong password"),
        pytest.param(request(Peer(), username="srv1:other"), id="another client's fragment"),
        pytest.param(request(Peer(), username="nobody:cli1"), id="unknown server fragment"),
        pytest.param(request(Peer(), username="srv1"), id="no client fragment"),
        pytest.param(bytes.fromhex("000100002112a442") + b"transaction1", id="no integrity at all"),
        pytest.param(build_error(b"transaction1", 487, "Role Conflict", "p" * 24), id="an answer nobody asked for"),
        pytest.param(b"\x00", id="one byte"),
        pytest.param(request(Peer())[:-1], id="cut short"),
    ],
)
def test_all_else_is_met_with_silence_and_opens_nothing(gate: IceGate[Peer], peer: Peer, datagram: bytes) -> None:
    assert gate.check(datagram, HOME) is None
    assert not gate.by_address
    assert peer.address is None


def test_the_newest_nomination_moves_the_peer_and_a_plain_check_does_not(gate: IceGate[Peer], peer: Peer) -> None:
    gate.check(request(peer, nominate=True), HOME)
    gate.check(request(peer), TRAIN)
    assert peer.address == HOME
    gate.check(request(peer, nominate=True), TRAIN)
    assert peer.address == TRAIN
    assert peer.nominations == [True, False, True]


def test_a_peer_that_left_owns_no_address(gate: IceGate[Peer], peer: Peer) -> None:
    gate.check(request(peer), HOME)
    gate.remove(peer)
    gate.remove(peer)
    assert not gate.by_address
    assert gate.check(request(peer), HOME) is None


def test_an_address_that_a_nat_reuses_goes_to_whoever_proves_it_last(gate: IceGate[Peer], peer: Peer) -> None:
    other = Peer(ice_ufrag="srv2", ice_pwd="o" * 24, remote_ufrag="cli2")
    gate.add(other)
    gate.check(request(peer), HOME)
    gate.check(request(other), HOME)
    assert gate.by_address[HOME] is other
    gate.remove(peer)
    assert gate.by_address[HOME] is other


def test_one_peer_cannot_fill_the_table(gate: IceGate[Peer], peer: Peer) -> None:
    gate.check(request(peer, nominate=True), HOME)
    for port in range(1, 100):
        gate.check(request(peer), ("192.0.2.9", port))
    assert len(gate.by_address) == len(peer.opened) == 8
    assert peer.address == HOME
    assert gate.by_address[HOME] is peer


def test_credentials_are_long_enough_and_made_of_ice_characters() -> None:
    ufrag, password = new_credentials()
    assert len(ufrag) >= 4
    assert len(password) >= 22
    assert all(character.isascii() and (character.isalnum() or character in "+/") for character in ufrag + password)
    assert new_credentials() != (ufrag, password)


def test_addresses_are_said_as_the_peer_knows_them() -> None:
    assert plain_address(("::ffff:192.0.2.7", 1, 0, 0)) == ("192.0.2.7", 1)
    assert plain_address(("fe80::1%eth0", 1, 0, 3)) == ("fe80::1", 1)
    assert plain_address(("192.0.2.7", 1)) == ("192.0.2.7", 1)
