from __future__ import annotations

import pytest
from aiortc.rtp import RtcpPacket as ForeignPacket
from aiortc.rtp import RtcpPsfbPacket, RtcpRtpfbPacket, RtcpSrPacket, unpack_remb_fci
from hypothesis import given, settings
from hypothesis import strategies as st

from expo.media.rtcp import (
    MAX_ITEMS,
    MAX_LOST,
    Bye,
    Fir,
    Nack,
    Pli,
    ReceiverReport,
    Remb,
    ReportBlock,
    RtcpItem,
    SenderReport,
    SourceDescription,
    build_rtcp,
    ntp_time,
    parse_rtcp,
)
from expo.media.rtp import Malformed
from tests.support.datagrams import broken

WORD = st.integers(0, 0xFFFFFFFF)
BLOCK = st.builds(
    ReportBlock,
    ssrc=WORD,
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(-0x800000, 0x7FFFFF),
    highest_sequence=WORD,
    jitter=WORD,
    lsr=WORD,
    dlsr=WORD,
)
BLOCKS = st.lists(BLOCK, max_size=31).map(tuple)
SSRCS = st.lists(WORD, max_size=31).map(tuple)
ITEM: st.SearchStrategy[RtcpItem] = st.one_of(
    st.builds(
        SenderReport,
        ssrc=WORD,
        ntp=st.integers(0, 2**64 - 1),
        rtp_timestamp=WORD,
        packet_count=WORD,
        octet_count=WORD,
        blocks=BLOCKS,
    ),
    st.builds(ReceiverReport, ssrc=WORD, blocks=BLOCKS),
    st.builds(SourceDescription, ssrc=WORD, cname=st.text(max_size=60)),
    st.builds(Bye, ssrcs=SSRCS),
    st.builds(Pli, sender_ssrc=WORD, media_ssrc=WORD),
    st.builds(Fir, sender_ssrc=WORD, media_ssrc=WORD, sequence=st.integers(0, 255)),
    st.builds(Remb, sender_ssrc=WORD, bitrate_bps=st.integers(0, 0x3FFFF), ssrcs=SSRCS),
)
EXAMPLES = (
    build_rtcp(
        [
            SenderReport(1, 2 << 40, 3, 4, 5, (ReportBlock(1, 2, -3, 4, 5, 6, 7),)),
            SourceDescription(1, "someone"),
            Nack(1, 2, (65534, 65535, 0, 3, 500)),
        ]
    ),
    build_rtcp([ReceiverReport(1), Pli(1, 2), Fir(1, 2, 3), Remb(1, 1_500_000, (2, 3)), Bye((1, 2))]),
)


@settings(max_examples=200)
@given(st.lists(ITEM, min_size=1, max_size=6))
def test_what_is_built_is_parsed_back(items: list[RtcpItem]) -> None:
    assert parse_rtcp(build_rtcp(items)) == items


@settings(max_examples=200)
@given(st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=40, unique=True), st.booleans())
def test_every_lost_packet_is_asked_for_once(lost: list[int], ordered: bool) -> None:
    asked = tuple(sorted(lost) if ordered else lost)
    (item,) = parse_rtcp(build_rtcp([Nack(1, 2, asked)]))
    assert isinstance(item, Nack)
    assert len(item.lost) == len(lost)
    assert set(item.lost) == set(lost)


def test_neighbours_share_one_entry_of_a_nack_across_the_wrap() -> None:
    lost = (65535, 0, 1, 15)
    data = build_rtcp([Nack(1, 2, lost)])
    assert len(data) == 16
    assert parse_rtcp(data) == [Nack(1, 2, lost)]


def test_a_nack_for_thousands_asks_for_no_more_than_a_cache_holds() -> None:
    entries = b"".join((first * 17).to_bytes(2, "big") + b"\xff\xff" for first in range(300))
    data = b"\x81\xcd" + (2 + 300).to_bytes(2, "big") + bytes(8) + entries
    (item,) = parse_rtcp(data)
    assert isinstance(item, Nack)
    assert item.lost == tuple(range(MAX_LOST))


@pytest.mark.parametrize("bitrate_bps", [0, 1, 262_143, 262_144, 1_500_000, 2_500_000_000])
def test_a_large_rate_keeps_18_significant_bits(bitrate_bps: int) -> None:
    (item,) = parse_rtcp(build_rtcp([Remb(1, bitrate_bps, (2,))]))
    assert isinstance(item, Remb)
    assert 0 <= bitrate_bps - item.bitrate_bps <= bitrate_bps >> 17


def test_another_implementation_reads_the_same_packets() -> None:
    report, _, nack = ForeignPacket.parse(EXAMPLES[0])
    assert isinstance(report, RtcpSrPacket)
    assert (report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp) == (2 << 40, 3)
    assert report.reports[0].packets_lost == -3
    assert isinstance(nack, RtcpRtpfbPacket)
    assert [sequence & 0xFFFF for sequence in nack.lost] == [65534, 65535, 0, 3, 500]
    _, pli, _, remb, _ = ForeignPacket.parse(EXAMPLES[1])
    assert isinstance(pli, RtcpPsfbPacket)
    assert (pli.fmt, pli.media_ssrc) == (1, 2)
    assert isinstance(remb, RtcpPsfbPacket)
    assert unpack_remb_fci(remb.fci) == (1_500_000, [2, 3])


def test_unknown_packets_are_skipped() -> None:
    extended_report = b"\x80\xcf\0\1abcd"
    transport_wide = b"\x8f\xcd\0\4" + bytes(16)
    slice_loss = b"\x82\xce\0\3" + bytes(12)
    other_application = b"\x8f\xce\0\3" + bytes(8) + b"abcd"
    data = extended_report + transport_wide + slice_loss + other_application + build_rtcp([Pli(1, 2)])
    assert parse_rtcp(data) == [Pli(1, 2)]


def test_padding_and_profile_extensions_are_cut_off() -> None:
    assert parse_rtcp(b"\xa0\xc9\0\2\0\0\0\7\0\0\0\4") == [ReceiverReport(7)]
    assert parse_rtcp(b"\x80\xc9\0\2\0\0\0\7abcd") == [ReceiverReport(7)]


def test_one_intra_request_for_several_sources_is_several_items() -> None:
    data = b"\x84\xce\0\6\0\0\0\1\0\0\0\0" + b"\0\0\0\2\7\0\0\0" + b"\0\0\0\3\x08\0\0\0"
    assert parse_rtcp(data) == [Fir(1, 2, 7), Fir(1, 3, 8)]


def test_a_description_keeps_the_cname_of_every_chunk() -> None:
    data = b"\x82\xca\0\6" + b"\0\0\0\1\1\2ab\2\1x\0" + b"\0\0\0\2\2\1y\0\0\0\0\0"
    assert parse_rtcp(data) == [SourceDescription(1, "ab"), SourceDescription(2, "")]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\xc9\0", id="header cut"),
        pytest.param(b"\x40\xc9\0\1\0\0\0\1", id="version 1"),
        pytest.param(b"\x80\xc9\0\2\0\0\0\1", id="longer than the datagram"),
        pytest.param(b"\x80\xc9\0\1\0\0\0\1\x80\xc9", id="trailing bytes"),
        pytest.param(b"\x80\xc9\0\0", id="receiver report without a sender"),
        pytest.param(b"\x81\xc9\0\1\0\0\0\1", id="receiver report without its block"),
        pytest.param(b"\x80\xc8\0\1\0\0\0\1", id="sender report without its times"),
        pytest.param(b"\x82\xcb\0\1\0\0\0\1", id="bye for more sources than named"),
        pytest.param(b"\x81\xcd\0\1\0\0\0\1", id="feedback without a media source"),
        pytest.param(b"\x8f\xce\0\4" + bytes(8) + b"REMB\2\0\0\0", id="rate for more sources than named"),
        pytest.param(b"\x8f\xce\0\3" + bytes(8) + b"REMB", id="rate without a number"),
        pytest.param(b"\x81\xca\0\0", id="description without its chunk"),
        pytest.param(b"\x81\xca\0\2\0\0\0\1\1\xffab", id="cname beyond the packet"),
        pytest.param(b"\x81\xca\0\2\0\0\0\1\1\2ab", id="chunk without an end"),
        pytest.param(b"\xa0\xc9\0\1\0\0\0\0", id="padding of 0"),
        pytest.param(b"\xa0\xc9\0\1\0\0\0\3", id="padding of 3"),
        pytest.param(b"\xa0\xc9\0\1\0\0\0\x08", id="padding longer than the packet"),
        pytest.param(b"\xa0\xc9\0\0", id="padding in an empty packet"),
        pytest.param(b"\x80\xcb\0\0" * (MAX_ITEMS + 1), id="too many packets"),
        pytest.param(b"\x84\xce\0\x84" + bytes(132 * 4), id="too many entries"),
    ],
)
def test_a_malformed_datagram_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_rtcp(data)


def test_ten_thousand_broken_datagrams_raise_malformed_or_parse() -> None:
    refused = 0
    for data in broken(EXAMPLES, 10_000, seed=4585):
        try:
            items = parse_rtcp(data)
        except Malformed:
            refused += 1
            continue
        assert len(items) <= MAX_ITEMS
    assert 2_000 < refused < 9_900


def test_more_blocks_than_a_packet_counts_are_refused() -> None:
    block = ReportBlock(1, 2, 3, 4, 5, 6, 7)
    with pytest.raises(ValueError, match="32 entries"):
        build_rtcp([ReceiverReport(1, (block,) * 32)])


def test_lost_packets_beyond_24_bits_are_cut_to_the_limit() -> None:
    (report,) = parse_rtcp(build_rtcp([ReceiverReport(1, (ReportBlock(1, 0, 99_999_999, 0, 0, 0, 0),))]))
    assert isinstance(report, ReceiverReport)
    assert report.blocks[0].packets_lost == 0x7FFFFF


def test_ntp_time_counts_from_1900() -> None:
    assert ntp_time(0) == 2_208_988_800 << 32
    assert ntp_time(0.5) & 0xFFFFFFFF == 1 << 31
