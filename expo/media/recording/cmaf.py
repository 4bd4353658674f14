"""CMAF headers and fragments of one track (ISO/IEC 23000-19, 14496-12, 14496-15, Opus in ISOBMFF 4.3). Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec

from expo.media.recording.boxes import box, full_box
from expo.media.recording.sps import Sps

VIDEO_TIMESCALE = 90_000
AUDIO_TIMESCALE = 48_000
TRACK = 1

# sample_depends_on and sample_is_non_sync_sample (14496-12 8.8.3.1).
_SYNC = 0x02000000
_NOT_SYNC = 0x01010000
_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_EMPTY_TABLES = b"".join(full_box(kind, 0, 0, bytes(4)) for kind in (b"stts", b"stsc", b"stco"))
_DINF = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
_FTYP = box(b"ftyp", b"iso6", struct.pack(">I", 0), b"iso6", b"cmfc", b"mp41")


class Sample(msgspec.Struct, gc=False, eq=False):
    """One access unit. `start` is its decoding time; it is shown `offset` later, which may be negative. In ticks."""

    start: int
    duration: int
    offset: int
    key: bool
    data: bytes


def video_header(sps: Sps, sps_units: Sequence[bytes], pps_units: Sequence[bytes]) -> bytes:
    """ftyp and moov of a picture track whose parameter sets stand in the header (sample entry avc1)."""
    entry = box(
        b"avc1",
        struct.pack(">6xH16xHHIIIH32xHh", 1, sps.width, sps.height, 0x480000, 0x480000, 0, 1, 24, -1),
        box(b"avcC", _avc_configuration(sps, sps_units, pps_units)),
    )
    return _header(VIDEO_TIMESCALE, b"vide", full_box(b"vmhd", 0, 1, bytes(8)), entry, sps.width, sps.height)


def audio_header() -> bytes:
    """ftyp and moov of an Opus track; always two channels, so that renditions can be spliced."""
    configuration = struct.pack(">BBHIhB", 0, 2, 0, AUDIO_TIMESCALE, 0, 0)
    entry = box(
        b"Opus",
        struct.pack(">6xH8xHHII", 1, 2, 16, 0, AUDIO_TIMESCALE << 16),
        box(b"dOps", configuration),
    )
    return _header(AUDIO_TIMESCALE, b"soun", full_box(b"smhd", 0, 0, bytes(4)), entry, 0, 0)


def fragment(number: int, samples: Sequence[Sample], *, video: bool) -> bytes:
    """moof and mdat with these samples, which follow each other without a hole; `number` counts fragments of a file."""
    count = len(samples)
    if video:
        values = [
            value
            for sample in samples
            for value in (sample.duration, len(sample.data), _SYNC if sample.key else _NOT_SYNC, sample.offset)
        ]
        table = struct.pack(">" + "IIIi" * count, *values)
        flags, size = 0xF01, 16 * count
    else:
        values = [value for sample in samples for value in (sample.duration, len(sample.data))]
        table = struct.pack(f">{2 * count}I", *values)
        flags, size = 0x301, 8 * count
    # mfhd 16, traf 8, tfhd 16, tfdt 20, trun 20 and its table; the data begins behind the head of mdat.
    data_offset = 8 + 16 + 8 + 16 + 20 + 20 + size + 8
    moof = box(
        b"moof",
        full_box(b"mfhd", 0, 0, struct.pack(">I", number)),
        box(
            b"traf",
            full_box(b"tfhd", 0, 0x020000, struct.pack(">I", TRACK)),
            full_box(b"tfdt", 1, 0, struct.pack(">Q", samples[0].start)),
            full_box(b"trun", 1, flags, struct.pack(">II", count, data_offset), table),
        ),
    )
    return b"".join((moof, box(b"mdat", *(sample.data for sample in samples))))


def _header(timescale: int, handler: bytes, media: bytes, entry: bytes, width: int, height: int) -> bytes:
    language = 0x55C4  # "und" (14496-12 8.4.2.3)
    tables = full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry), _EMPTY_TABLES, full_box(b"stsz", 0, 0, bytes(8))
    volume = 0x0100 if handler == b"soun" else 0
    trak = box(
        b"trak",
        full_box(
            b"tkhd",
            0,
            3,
            struct.pack(">IIIII8xhhH2x", 0, 0, TRACK, 0, 0, 0, 0, volume),
            _MATRIX,
            struct.pack(">II", width << 16, height << 16),
        ),
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, language, 0)),
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\0"),
            box(b"minf", media, _DINF, box(b"stbl", *tables)),
        ),
    )
    movie = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x0100) + _MATRIX + bytes(24) + struct.pack(">I", 2)
    default_flags = _SYNC if handler == b"soun" else 0
    extends = box(b"mvex", full_box(b"trex", 0, 0, struct.pack(">IIIII", TRACK, 1, 0, 0, default_flags)))
    return _FTYP + box(b"moov", full_box(b"mvhd", 0, 0, movie), trak, extends)


def _avc_configuration(sps: Sps, sps_units: Sequence[bytes], pps_units: Sequence[bytes]) -> bytes:
    """AVCDecoderConfigurationRecord (14496-15 5.3.3.1); NAL units have lengths of 4 bytes."""
    head = struct.pack(">BBBBBB", 1, sps.profile, sps.constraints, sps.level, 0xFF, 0xE0 | len(sps_units))
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in sps_units)
    body += bytes((len(pps_units),)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in pps_units)
    if sps.profile in {100, 110, 122, 144}:
        body += bytes((0xFC | sps.chroma_format, 0xF8 | sps.bit_depth_luma - 8, 0xF8 | sps.bit_depth_chroma - 8, 0))
    return head + body
