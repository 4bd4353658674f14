"""Whatever a stranger sends: `Invalid` or an answer that obeys JSEP, in linear time."""

from __future__ import annotations

import re
from time import process_time

from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.errors import Invalid
from expo.media.sdp import Plan, answer_publish, answer_watch, parse_fragment, parse_offer
from tests.support.offers import LANES, LOCAL, PUBLISHERS, VIEWERS, minimal_offer, offer

SAMPLES = [offer(name) for name in (*PUBLISHERS, *VIEWERS)]
WORDS = [
    "0",
    "-1",
    "4294967296",
    "9" * 30,
    "²",
    "\x00",
    "\u2028",
    "1_0",
    "*",
    "a=mid:0",
    "rtx/90000",
    "m=video 9 X 1",
    "",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real offer with lines dropped, doubled, swapped and cut, and words replaced."""
    lines = draw(st.sampled_from(SAMPLES)).split("\r\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "swap", "cut", "word", "text", "join"])):
            case "drop" if len(lines) > 1:
                del lines[at]
            case "double":
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case "swap":
                other = draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "cut":
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
            case "word":
                words = re.split(r"([ :/;=])", lines[at])
                words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(WORDS))
                lines[at] = "".join(words)
            case "text":
                lines[at] = draw(st.text(max_size=40))
            case _:
                lines[at] = "".join(lines[at : at + 2])
    return draw(st.sampled_from(["\r\n", "\n"])).join(lines)


def answered(text: str) -> list[tuple[Plan, str]]:
    """The answers to a text: none, one or both ways round, each with its direction."""
    plans: list[tuple[Plan, str]] = []
    try:
        parsed = parse_offer(text)
    except Invalid:
        return []
    for direction in ("recvonly", "sendonly"):
        try:
            if direction == "recvonly":
                plans.append((answer_publish(parsed, LOCAL, start_bps=1_000_000), direction))
            else:
                plans.append((answer_watch(parsed, LOCAL, LANES), direction))
        except Invalid:
            continue
    return plans


def attribute(block: str, name: str) -> str | None:
    found = re.search(rf"^a={name}:?(.*)\r?$", block, re.MULTILINE)
    return found[1].strip() if found else None


def bundle_of(sdp: str) -> list[str]:
    return (attribute(re.split(r"(?m)^m=", sdp, maxsplit=1)[0], "group:BUNDLE") or "").split()


def check_answer(text: str, plan: Plan, direction: str) -> None:
    """The laws of an answer (RFC 9429 5.3.1, RFC 8843 7.3) against the offer's own text."""
    asked = re.split(r"\r?\n(?=m=)", text)[1:]
    given_ = re.split(r"\r\n(?=m=)", plan.answer.removesuffix("\r\n"))[1:]
    assert plan.answer.isascii()
    assert len(asked) == len(given_)
    live = 0
    bundled = bundle_of(plan.answer)
    for ours, theirs in zip(given_, asked, strict=True):
        assert ours.split(" ", 1)[0] == theirs.split(" ", 1)[0]
        assert (attribute(ours, "mid") or "") == (attribute(theirs, "mid") or "")
        refused = ours.split(" ")[1] == "0"
        mid = attribute(ours, "mid")
        assert not (refused and mid in bundled)
        live += f"\r\na={direction}" in ours
        types = re.split(r"\s+", ours)[3:] if refused else re.split(r" |\r\n", ours)[3:5]
        assert refused or set(re.findall(r"a=rtpmap:(\d+)", ours)) <= {*types}
    assert live == len(plan.media) > 0
    assert set(bundled) <= set(bundle_of(text))
    assert len(SessionDescription.parse(plan.answer).media) == len(given_)


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_mutated_offers_raise_invalid_or_get_a_lawful_answer(text: str) -> None:
    for plan, direction in answered(text):
        check_answer(text, plan, direction)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400) | st.binary(max_size=400).map(lambda raw: raw.decode("latin-1")))
def test_any_text_raises_invalid(text: str) -> None:
    assert answered(text) == []


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 255), st.integers(0, 255))
def test_any_constraint_byte_and_level_of_profile_42_is_echoed(constraints: int, level: int) -> None:
    profile = f"42{constraints:02x}{level:02x}"
    lines = f"a=rtpmap:102 H264/90000\na=fmtp:102 profile-level-id={profile};packetization-mode=1"
    text = minimal_offer(("video 9 UDP/TLS/RTP/SAVPF 102", lines))
    assert f"profile-level-id={profile}" in answer_publish(parse_offer(text), LOCAL, start_bps=1).answer


@settings(max_examples=150, deadline=None)
@given(mutated() | st.text(max_size=200))
def test_any_fragment_raises_invalid_or_is_read(text: str) -> None:
    try:
        fragment = parse_fragment(text)
    except Invalid:
        return
    assert (fragment.ice_ufrag is None) == (fragment.ice_pwd is None)


def test_the_largest_offers_allowed_are_read_in_milliseconds() -> None:
    codecs = "\n".join(f"a=rtpmap:{number} x{number}/90000\na=fmtp:{number} apt={number}" for number in range(120))
    feedback = "\n".join(f"a=rtcp-fb:* x{number}" for number in range(120))
    ssrcs = "\n".join(f"a=ssrc:{number} cname:x" for number in range(380))
    heads = " ".join(str(number) for number in range(120))
    text = minimal_offer((f"video 9 UDP/TLS/RTP/SAVPF {heads}", f"{codecs}\n{feedback}\n{ssrcs}"))
    assert text.count("\n") > 700
    began = process_time()
    parse_offer(text)
    assert process_time() - began < 0.1
