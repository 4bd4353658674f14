"""Signed text: what comes back, and the one code for each way in which it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import Signer, base64_encode

from expo.accounts.rules import CANS, ROLES, Can, Role, RoomGrant
from expo.accounts.tokens import MAX_CHARS, Guest, RoleLink, Tokens, new_secret
from expo.errors import ExpoError, Forbidden, Unauthenticated
from expo.ids import ExhibitorId, GuestId, ParticipantId, PersonId, RoomId, ShowcaseId

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SECRET = "a secret of the cluster, 32 characters or more"
TOKENS = Tokens(SECRET)
GRANT = RoomGrant(RoomId("chungbuk"), ParticipantId("p1"), "정하윤", frozenset({"publish", "watch"}), LATER)
TOKEN = TOKENS.sign(GRANT)
LINK = RoleLink(PersonId("p1"), "exhibitor", ShowcaseId("chungbuk"), LATER)
GUEST = Guest(GuestId("g1"), "Trần Thu Hà", "Hà Nội Foods", LATER)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
companies = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
ids = st.text("0123456789abcdefghjkmnpqrstvwxyz-", min_size=1, max_size=40)
cans: st.SearchStrategy[frozenset[Can]] = st.frozensets(st.sampled_from(CANS))
url_safe = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(ExpoError) as refused:
        work()
    return refused.value.code


@given(
    room=ids,
    participant=ids,
    name=names,
    can=cans,
    seconds=st.integers(1, 10**8),
    role=st.sampled_from(ROLES),
    exhibitor=st.none() | ids.map(ExhibitorId),
    company=companies,
)
def test_a_grant_comes_back_as_it_was_signed(
    room: str,
    participant: str,
    name: str,
    can: frozenset[Can],
    seconds: int,
    role: Role,
    exhibitor: ExhibitorId | None,
    company: str,
) -> None:
    ends = NOW + timedelta(seconds=seconds)
    grant = RoomGrant(RoomId(room), ParticipantId(participant), name, can, ends, role, exhibitor, company)
    token = TOKENS.sign(grant)
    assert TOKENS.verify(token, NOW, room=RoomId(room)) == grant
    assert len(token) < MAX_CHARS


@given(person=ids, role=st.sampled_from(ROLES), showcase=st.none() | ids.map(ShowcaseId))
def test_a_link_comes_back_as_it_was_signed(person: str, role: Role, showcase: ShowcaseId | None) -> None:
    link = RoleLink(PersonId(person), role, showcase, LATER)
    assert TOKENS.verify_link(TOKENS.sign_link(link), NOW) == link


@given(guest=ids, name=names, company=companies)
def test_a_guest_comes_back_as_signed_and_fits_a_cookie(guest: str, name: str, company: str) -> None:
    one = Guest(GuestId(guest), name, company, LATER)
    cookie = TOKENS.sign_guest(one)
    assert TOKENS.verify_guest(cookie, NOW) == one
    assert len(cookie) < MAX_CHARS


def test_tokens_travel_in_addresses_cookies_and_headers_as_they_are() -> None:
    for text in (TOKEN, TOKENS.sign_link(LINK), TOKENS.sign_guest(GUEST)):
        assert all(character.isalnum() or character in "-_." for character in text)


@given(index=st.integers(0, len(TOKEN) - 1), other=url_safe)
def test_no_character_of_a_token_can_be_another(index: int, other: str) -> None:
    tampered = TOKEN[:index] + other + TOKEN[index + 1 :]
    if tampered == TOKEN:
        assert TOKENS.verify(tampered, NOW) == GRANT
    else:
        assert code_of(lambda: TOKENS.verify(tampered, NOW)) in {"token.forged", "token.foreign", "token.malformed"}


def test_the_payload_and_every_last_bit_of_the_signature_are_protected() -> None:
    key, payload, signature = TOKEN.split(".")
    longer = base64_encode(b'{"e":99999999999,"r":"chungbuk","p":"p1","n":"x","c":["publish","takeover"]}').decode()
    assert code_of(lambda: TOKENS.verify(f"{key}.{longer}.{signature}", NOW)) == "token.forged"
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if last != signature[-1]:
            tampered = f"{key}.{payload}.{signature[:-1]}{last}"
            assert code_of(lambda tampered=tampered: TOKENS.verify(tampered, NOW)) == "token.forged"


@given(cut=st.integers(0, len(TOKEN) - 1))
def test_a_shortened_token_is_refused(cut: int) -> None:
    assert code_of(lambda: TOKENS.verify(TOKEN[:cut], NOW)).startswith("token.")


@given(text=st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_anything_else_is_refused_by_a_code_and_never_breaks(text: str) -> None:
    code = code_of(lambda: TOKENS.verify(text, NOW))
    assert code in {"token.missing", "token.malformed", "token.foreign"}


@given(payload=st.binary(min_size=1, max_size=200))
def test_text_signed_by_us_that_this_version_cannot_read_is_malformed(payload: bytes) -> None:
    signed = f"{TOKEN.split('.', maxsplit=1)[0]}.{base64_encode(payload).decode()}"
    signer = Signer(SECRET.encode(), salt="expo.room.v1", sep=".", key_derivation="hmac", digest_method=sha256)
    assert code_of(lambda: TOKENS.verify(signer.sign(signed).decode(), NOW)) == "token.malformed"


@pytest.mark.parametrize("nothing", [None, ""])
def test_no_token_is_missing(nothing: str | None) -> None:
    assert code_of(lambda: TOKENS.verify(nothing, NOW)) == "token.missing"


@pytest.mark.parametrize("text", ["x", "a.b", "..", "a.b.c.d", "Bearer x", TOKEN + ".x", "한.글.도", "a." * 5000])
def test_text_of_another_shape_is_malformed(text: str) -> None:
    assert code_of(lambda: TOKENS.verify(text, NOW)) == "token.malformed"


def test_a_token_of_another_server_is_foreign() -> None:
    foreign = Tokens("the secret of another cluster altogether").sign(GRANT)
    assert code_of(lambda: TOKENS.verify(foreign, NOW)) == "token.foreign"


def test_a_foreign_signature_under_our_key_s_name_is_forged() -> None:
    foreign = Tokens("the secret of another cluster altogether").sign(GRANT).split(".")
    assert code_of(lambda: TOKENS.verify(".".join([TOKEN.split(".")[0], *foreign[1:]]), NOW)) == "token.forged"


def test_a_token_ends_at_its_second_and_not_before() -> None:
    assert TOKENS.verify(TOKEN, LATER - timedelta(microseconds=1)) == GRANT
    for moment in (LATER, LATER + timedelta(days=400)):
        assert code_of(lambda moment=moment: TOKENS.verify(TOKEN, moment)) == "token.expired"


def test_a_token_of_another_room_is_forbidden_not_unknown() -> None:
    with pytest.raises(Forbidden) as refused:
        TOKENS.verify(TOKEN, NOW, room=RoomId("daegu"))
    assert refused.value.code == "token.wrong_room"


def test_an_expired_token_of_another_room_is_expired() -> None:
    assert code_of(lambda: TOKENS.verify(TOKEN, LATER, room=RoomId("daegu"))) == "token.expired"


def test_one_kind_never_passes_as_another() -> None:
    link, guest = TOKENS.sign_link(LINK), TOKENS.sign_guest(GUEST)
    assert code_of(lambda: TOKENS.verify(link, NOW)) == "token.forged"
    assert code_of(lambda: TOKENS.verify(guest, NOW)) == "token.forged"
    assert code_of(lambda: TOKENS.verify_link(guest, NOW)) == "link.forged"
    assert code_of(lambda: TOKENS.verify_link(TOKEN, NOW)) == "link.forged"
    assert code_of(lambda: TOKENS.verify_guest(link, NOW)) == "guest.forged"


@pytest.mark.parametrize(("verify", "family"), [(TOKENS.verify_link, "link"), (TOKENS.verify_guest, "guest")])
def test_links_and_guests_have_the_same_codes_in_their_own_family(
    verify: Callable[[str | None, datetime], object], family: str
) -> None:
    other = Tokens("the secret of another cluster altogether")
    sign: Callable[[Tokens], str] = (
        (lambda by: by.sign_link(LINK)) if family == "link" else (lambda by: by.sign_guest(GUEST))
    )
    good = sign(TOKENS)
    assert code_of(lambda: verify(None, NOW)) == f"{family}.missing"
    assert code_of(lambda: verify("x", NOW)) == f"{family}.malformed"
    assert code_of(lambda: verify(sign(other), NOW)) == f"{family}.foreign"
    assert code_of(lambda: verify(good[:-2] + "__", NOW)) == f"{family}.forged"
    assert code_of(lambda: verify(good, LATER)) == f"{family}.expired"


def test_all_but_the_wrong_room_ask_for_proof_again() -> None:
    for text, moment in ((None, NOW), ("x", NOW), (TOKEN, LATER), (TOKEN[:-1], NOW)):
        with pytest.raises(Unauthenticated):
            TOKENS.verify(text, moment)


def test_a_naive_end_cannot_be_signed() -> None:
    with pytest.raises(ValueError, match="naive"):
        TOKENS.sign(RoomGrant(RoomId("r"), ParticipantId("p"), "", frozenset(), datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        Tokens("short")


def test_two_servers_with_one_secret_trust_each_other() -> None:
    assert Tokens(SECRET.encode()).verify(TOKEN, NOW) == GRANT


def test_a_secret_is_letters_and_digits_so_that_no_messenger_cuts_its_link() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(secret.isalnum() and secret.isascii() and len(secret) >= 39 for secret in made)
