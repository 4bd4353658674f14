from __future__ import annotations

import aioice.stun as foreign
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.rtp import Malformed
from expo.media.stun import (
    BINDING,
    MAX_BYTES,
    MessageClass,
    build_error,
    build_request,
    build_success,
    parse_stun,
)
from tests.support.datagrams import broken

TRANSACTION = b"transaction!"
PASSWORD = "VOkJxbRl1RmTxUk/WvJxBt"

# RFC 5769 2.1 to 2.3: the test vectors that RFC 8489 refers to; they pad with spaces.
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1"
    "51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
ANSWER_4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599"
    "fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
ANSWER_6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5"
    "bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
EXAMPLES = (
    REQUEST,
    ANSWER_4,
    ANSWER_6,
    build_request(TRANSACTION, "ours:theirs", PASSWORD, priority=1, controlling=2, use_candidate=True),
    build_error(TRANSACTION, 420, "Unknown", PASSWORD, unknown=(0x7777,)),
)


def test_the_request_of_rfc_5769_is_read_and_authentic() -> None:
    message = parse_stun(REQUEST)
    assert (message.method, message.message_class) == (BINDING, MessageClass.REQUEST)
    assert (message.username, message.priority, message.ice_controlled) == ("evtj:h6vY", 0x6E0001FF, 0x932FF9B151263B36)
    assert (message.ice_controlling, message.use_candidate, message.unknown_required) == (None, False, ())
    assert message.integrity_ok(PASSWORD)
    assert not message.integrity_ok(PASSWORD + "x")


@pytest.mark.parametrize(
    ("data", "address"), [(ANSWER_4, ("192.0.2.1", 32853)), (ANSWER_6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853))]
)
def test_the_answers_of_rfc_5769_are_read_and_authentic(data: bytes, address: tuple[str, int]) -> None:
    message = parse_stun(data)
    assert message.message_class is MessageClass.SUCCESS
    assert message.xor_mapped_address == address
    assert message.integrity_ok(PASSWORD)


def test_a_check_without_priority_is_accepted() -> None:
    message = parse_stun(build_request(TRANSACTION, "a:b", PASSWORD, use_candidate=True))
    assert message.priority is None
    assert message.use_candidate
    assert message.integrity_ok(PASSWORD)


def test_a_message_without_integrity_is_never_authentic() -> None:
    message = parse_stun(build_error(TRANSACTION, 400, "Bad Request", None))
    assert not message.has_integrity
    assert not message.integrity_ok("")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (("192.0.2.7", 40_000), ("192.0.2.7", 40_000)),
        (("2001:db8::7", 65_535, 0, 0), ("2001:db8::7", 65_535)),
        (("::ffff:192.0.2.7", 1, 0, 0), ("192.0.2.7", 1)),
        (("fe80::7%eth0", 1, 0, 3), ("fe80::7", 1)),
        (("::1", 0, 0, 0), ("::1", 0)),
    ],
)
def test_an_address_is_told_as_the_client_knows_it(
    address: tuple[str, int, *tuple[int, ...]], told: tuple[str, int]
) -> None:
    answer = build_success(TRANSACTION, address, PASSWORD)
    theirs = foreign.parse_message(answer)
    assert parse_stun(answer).xor_mapped_address == theirs.attributes["XOR-MAPPED-ADDRESS"] == told
    assert theirs.check_message_integrity(PASSWORD.encode())


@settings(max_examples=200)
@given(
    transaction_id=st.binary(min_size=12, max_size=12),
    username=st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1, max_size=64),
    password=st.text(min_size=1, max_size=64),
    priority=st.none() | st.integers(0, 0xFFFFFFFF),
    controlling=st.none() | st.integers(0, 2**64 - 1),
    use_candidate=st.booleans(),
)
def test_another_implementation_reads_the_same_check(
    transaction_id: bytes,
    username: str,
    password: str,
    priority: int | None,
    controlling: int | None,
    use_candidate: bool,
) -> None:
    data = build_request(
        transaction_id,
        username,
        password,
        priority=priority,
        controlling=controlling,
        use_candidate=use_candidate,
    )
    theirs = foreign.parse_message(data)
    ours = parse_stun(data)
    assert theirs.check_message_integrity(password.encode())
    assert ours.integrity_ok(password)
    assert theirs.transaction_id == ours.transaction_id == transaction_id
    assert theirs.attributes["USERNAME"] == ours.username == username
    assert theirs.attributes.get("PRIORITY") == ours.priority == priority
    assert theirs.attributes.get("ICE-CONTROLLING") == ours.ice_controlling == controlling
    assert ("USE-CANDIDATE" in theirs.attributes) == ours.use_candidate == use_candidate


def test_an_error_answer_tells_its_code_and_what_was_not_understood() -> None:
    data = build_error(TRANSACTION, 487, "Role Conflict", PASSWORD)
    message = parse_stun(data)
    assert (message.message_class, message.error_code) == (MessageClass.ERROR, 487)
    assert message.integrity_ok(PASSWORD)
    assert foreign.parse_message(data).attributes["ERROR-CODE"] == (487, "Role Conflict")


def test_what_follows_the_integrity_is_not_believed() -> None:
    """RFC 8489 14.5: it could have been added by anyone on the path."""
    data = build_request(TRANSACTION, "a:b", PASSWORD)[:-8] + b"\0\x25\0\0" + b"\0\x24\0\4\0\0\0\1"
    data = data[:2] + (len(data) - 20).to_bytes(2, "big") + data[4:]
    message = parse_stun(data)
    assert not message.use_candidate
    assert message.priority is None
    assert message.integrity_ok(PASSWORD)


def test_the_first_of_two_equal_attributes_counts() -> None:
    data = b"\0\1\0\x10" + REQUEST[4:20] + b"\0\x24\0\4\0\0\0\1" + b"\0\x24\0\4\0\0\0\2"
    assert parse_stun(data).priority == 1


def test_attributes_that_must_be_understood_are_named() -> None:
    data = b"\0\1\0\x08" + REQUEST[4:20] + b"\x77\x77\0\0" + b"\xc0\x57\0\0"
    assert parse_stun(data).unknown_required == (0x7777,)


def test_a_flipped_bit_never_changes_what_is_believed() -> None:
    """Only a bit in the type of FINGERPRINT may go unseen: it makes an unknown attribute after the integrity."""
    unseen = 0
    for flipped in range(len(REQUEST) * 8):
        data = bytearray(REQUEST)
        data[flipped // 8] ^= 1 << flipped % 8
        try:
            message = parse_stun(bytes(data))
        except Malformed:
            continue
        unseen += 1
        assert message.integrity_ok(PASSWORD)
        assert (len(data) - 8) * 8 <= flipped < (len(data) - 6) * 8
    assert unseen == 16


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(REQUEST[:19], id="header cut"),
        pytest.param(REQUEST[:-4], id="length too long"),
        pytest.param(REQUEST + b"\0\0\0\0", id="length too short"),
        pytest.param(b"\0\1\0\2" + REQUEST[4:20] + b"\0\0", id="length of odd words"),
        pytest.param(b"\0\1\5\xec" + REQUEST[4:20] + b"\xc0\0\0\0" * 379, id="larger than a packet"),
        pytest.param(b"\x80" + REQUEST[1:], id="not STUN"),
        pytest.param(b"\0\1\0\0\x21\x12\xa4\x43" + TRANSACTION, id="another cookie"),
        pytest.param(b"\0\1\0\4" + REQUEST[4:20] + b"\0\6\0\1", id="attribute beyond the end"),
        pytest.param(b"\0\1\0\x08" + REQUEST[4:20] + b"\0\6\0\1\xffabc", id="username not UTF-8"),
        pytest.param(b"\0\1\0\x08" + REQUEST[4:20] + b"\0\x24\0\2\0\0\0\0", id="priority of two bytes"),
        pytest.param(b"\0\1\0\x08" + REQUEST[4:20] + b"\0\x08\0\4abcd", id="integrity of four bytes"),
        pytest.param(b"\1\1\0\x08" + REQUEST[4:20] + b"\0\x20\0\4\0\1\0\0", id="address without a host"),
        pytest.param(b"\1\1\0\x0c" + REQUEST[4:20] + b"\0\x20\0\x08\0\2\0\0abcd", id="address of another family"),
        pytest.param(b"\1\x11\0\x08" + REQUEST[4:20] + b"\0\x09\0\2\0\0\0\0", id="error without a code"),
        pytest.param(b"\0\1\0\x0c" + REQUEST[4:20] + REQUEST[-8:] + b"\xc0\0\0\0", id="fingerprint not last"),
        pytest.param(b"\0\1\2\x08" + REQUEST[4:20] + b"\0\6\2\4" + b"u" * 516, id="username of 516 bytes"),
    ],
)
def test_a_malformed_message_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_stun(data)


def test_ten_thousand_broken_messages_raise_malformed_or_parse_and_none_is_authentic() -> None:
    refused = 0
    for data in broken(EXAMPLES, 10_000, seed=8489):
        try:
            message = parse_stun(data)
        except Malformed:
            refused += 1
            continue
        assert len(data) <= MAX_BYTES
        if message.integrity_ok(PASSWORD):
            covered = data[: message.integrity_at]
            assert any(example[4:].startswith(covered[4:]) for example in EXAMPLES)
    assert refused > 5_000


def test_ten_thousand_broken_messages_with_a_right_frame_raise_malformed_or_parse() -> None:
    """Magic cookie and length are repaired, so that the attributes themselves are reached."""
    parsed = 0
    for data in broken([example[:-8] for example in EXAMPLES], 10_000, seed=5769):
        body = data[20 : len(data) & ~3]
        framed = b"\0\1" + len(body).to_bytes(2, "big") + REQUEST[4:20] + body
        try:
            parse_stun(framed)
        except Malformed:
            continue
        parsed += 1
    assert parsed > 1_000
