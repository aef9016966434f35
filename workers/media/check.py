"""The last look at a rendition before anybody sees it: it plays, and it is as long as the original."""

from pathlib import Path

from workers.media.gate import DAMAGED, Refusal, is_cut_short
from workers.media.probe import Extent, Probe, count, probe
from workers.media.tools import Tools

WITHIN = 0.05  # reliability notes 2.1: a file cut short passes every earlier step
WITHIN_MS = 500


def check_rendition(
    rendition: Path, *, original: Probe, duration_ms: int, tools: Tools, scratch: Path
) -> Refusal | None:
    """Return why the original must be damaged, judged by what could be made of it, or None."""
    made = probe(rendition, tools=tools, scratch=scratch)
    extent = count(rendition, tools=tools, scratch=scratch)
    return refuse_rendition(original, made, extent, duration_ms=duration_ms)


def refuse_rendition(original: Probe, made: Probe, extent: Extent, *, duration_ms: int) -> Refusal | None:
    """Judge a rendition: the tracks of the original are there, hold frames, and last as long (within 5 %)."""
    if original.video and not (made.video and extent.video_packets):
        return DAMAGED
    if original.audio and not (made.audio and extent.audio_packets):
        return DAMAGED
    if is_cut_short(extent.duration_ms, of_ms=duration_ms):
        return DAMAGED
    off_ms = abs(extent.duration_ms - duration_ms)
    return DAMAGED if off_ms > max(WITHIN_MS, WITHIN * duration_ms) else None
