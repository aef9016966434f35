"""What a file is by its first bytes, before any tool opens it. Names and declared types don't count."""

from enum import StrEnum

NEEDED_BYTES = 4096
CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\f\r") | {127}
TS_PACKET = 188


class Sniffed(StrEnum):
    """What the first bytes say."""

    EMPTY = "empty"
    MP4 = "mp4"
    MATROSKA = "matroska"
    AVI = "avi"
    MPEG_TS = "mpegts"
    MP3 = "mp3"
    AAC = "aac"
    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    PDF = "pdf"
    ZIP = "zip"
    PICTURE = "picture"
    TEXT = "text"
    OLD_TEXT = "old-text"  # bytes beyond ASCII that are no Unicode, and no control characters
    RTF = "rtf"
    OLD_OFFICE = "old-office"
    UNKNOWN = "unknown"


MEDIA = frozenset(
    {
        Sniffed.MP4,
        Sniffed.MATROSKA,
        Sniffed.AVI,
        Sniffed.MPEG_TS,
        Sniffed.MP3,
        Sniffed.AAC,
        Sniffed.WAV,
        Sniffed.FLAC,
        Sniffed.OGG,
    }
)
MP4_ATOMS = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"})
STARTS = (
    (b"\x1a\x45\xdf\xa3", Sniffed.MATROSKA),
    (b"OggS", Sniffed.OGG),
    (b"fLaC", Sniffed.FLAC),
    (b"%PDF-", Sniffed.PDF),
    (b"PK\x03\x04", Sniffed.ZIP),
    (b"\xff\xd8\xff", Sniffed.PICTURE),
    (b"{\\rtf", Sniffed.RTF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Sniffed.OLD_OFFICE),
    (b"\x89PNG", Sniffed.PICTURE),
    (b"GIF8", Sniffed.PICTURE),
    (b"ID3", Sniffed.MP3),
    (b"\xff\xfe", Sniffed.TEXT),  # UTF-16
    (b"\xfe\xff", Sniffed.TEXT),
)


def sniff(head: bytes) -> Sniffed:
    """Return what a file that begins with `head` (its first 4 KiB) is."""
    if not head:
        return Sniffed.EMPTY
    for start, kind in STARTS:
        if head.startswith(start):
            return kind
    if head[4:8] in MP4_ATOMS:
        return Sniffed.MP4
    return _riff(head) or _stream(head) or _text(head)


def _riff(head: bytes) -> Sniffed | None:
    if head[:4] not in (b"RIFF", b"RF64"):
        return None
    return {b"WAVE": Sniffed.WAV, b"AVI ": Sniffed.AVI, b"WEBP": Sniffed.PICTURE}.get(head[8:12])


def _stream(head: bytes) -> Sniffed | None:
    """Recognise formats without a header: they begin with a frame's sync word."""
    if all(head[place : place + 1] == b"\x47" for place in (0, TS_PACKET, 2 * TS_PACKET)):
        return Sniffed.MPEG_TS
    if head[0] != 0xFF or len(head) < 2:  # noqa: PLR2004 - a sync word has two bytes
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS: layer bits are zero (ISO/IEC 14496-3)
        return Sniffed.AAC
    return Sniffed.MP3 if head[1] & 0xE0 == 0xE0 else None  # noqa: PLR2004 - ISO/IEC 11172-3


def _text(head: bytes) -> Sniffed:
    if _is_text(head):
        return Sniffed.TEXT
    return Sniffed.UNKNOWN if CONTROLS.intersection(head) else Sniffed.OLD_TEXT


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a character cut at the end is no reason
            return False
        text = head[: error.start].decode("utf-8")
    return all(sign.isprintable() or sign in "\r\n\t\f\ufeff" for sign in text)
