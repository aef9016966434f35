"""Media types that others than their candidate are told: only known ones, since a candidate may write anything there.

Judges see them before they know whose work it is, and a credential is signed with them.
"""

ANY_BYTES = "application/octet-stream"
KNOWN = frozenset(
    {
        *("video/mp4", "video/x-m4v", "video/quicktime", "video/x-matroska", "video/webm", "video/x-msvideo"),
        *("video/3gpp", "video/mp2t", "video/mpeg", "video/ogg"),
        *("audio/mpeg", "audio/mp3", "audio/mp4", "audio/x-m4a", "audio/aac", "audio/wav", "audio/x-wav"),
        *("audio/flac", "audio/x-flac", "audio/ogg", "audio/opus", "audio/webm", "audio/3gpp"),
        *("application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        *("text/plain", "text/markdown"),
    }
)


def told(media_type: str) -> str:
    """Return a media type without its parameters if it is a known one, else that of any bytes."""
    bare = media_type.partition(";")[0].strip().lower()
    return bare if bare in KNOWN else ANY_BYTES
