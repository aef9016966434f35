"""Loudness over time, counted from samples: the peaks that the player draws, and where nobody speaks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8_000
FRAME = RATE_HZ // 20  # 50 ms: short enough for a pause, long enough for a low voice
FRAME_MS = 1_000 * FRAME // RATE_HZ
READ_SAMPLES = FRAME * 4_000
BUCKETS = 1_000
FULL = 32_768.0
SPEECH_SHARE = 0.95  # the level that 5 % of the frames exceed: a voice, not a door
SILENCE_BELOW_SPEECH_DB = 30.0
SILENCE_FLOOR_DB = -75.0  # below this there is nothing but the noise of 16 bit samples
SHORTEST_SILENCE_MS = 2_000


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which nothing is heard."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Levels:
    """Peaks 0..100 of the loudest sample, one for each `bucket_ms`; `peak_db` counts from full scale."""

    duration_ms: int
    bucket_ms: float
    peaks: tuple[int, ...]
    peak_db: float
    silences: tuple[Silence, ...]


def measure_levels(pcm: Path) -> Levels:
    """Read raw 8 kHz mono 16 bit samples, a few MB at a time, and return their levels."""
    frames = [_frames(block) for block in _blocks(pcm)]
    peaks = np.concatenate([peak for peak, _ in frames]) if frames else np.zeros(0)
    powers = np.concatenate([power for _, power in frames]) if frames else np.zeros(0)
    loudest = float(peaks.max(initial=0.0))
    per_bucket = max(1, math.ceil(len(peaks) / BUCKETS))
    return Levels(
        duration_ms=len(peaks) * FRAME_MS,
        bucket_ms=per_bucket * FRAME_MS,
        peaks=tuple(round(100 * peak / loudest) if loudest else 0 for peak in _bucketed(peaks, per_bucket)),
        peak_db=round(_decibels(loudest / FULL), 1),
        silences=tuple(_silences(powers)),
    )


def _blocks(pcm: Path) -> Iterator[NDArray[np.float64]]:
    with pcm.open("rb") as stream:
        while data := stream.read(2 * READ_SAMPLES):
            samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.float64)
            yield np.pad(samples, (0, -len(samples) % FRAME))


def _frames(samples: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the highest sample and the mean power of each frame."""
    framed = samples.reshape(-1, FRAME)
    return np.abs(framed).max(axis=1), (framed**2).mean(axis=1)


def _bucketed(peaks: NDArray[np.float64], per_bucket: int) -> NDArray[np.float64]:
    padded = np.pad(peaks, (0, -len(peaks) % per_bucket))
    return padded.reshape(-1, per_bucket).max(axis=1) if len(padded) else padded


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio) if ratio > 0 else -120.0


def _silences(powers: NDArray[np.float64]) -> Iterator[Silence]:
    """Yield pauses of at least two seconds.

    What counts as silence follows from the voice: a fixed threshold (ffmpeg's silencedetect) takes the
    whole of a quiet recording for silence, and seven of ten real ones we tried were that quiet.
    """
    if not len(powers):
        return
    speech_db = 10 * math.log10(max(float(np.quantile(powers, SPEECH_SHARE)), 1e-9) / FULL**2)
    threshold_db = max(SILENCE_FLOOR_DB, speech_db - SILENCE_BELOW_SPEECH_DB)
    quiet = powers < FULL**2 * 10 ** (threshold_db / 10)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        if (end - start) * FRAME_MS >= SHORTEST_SILENCE_MS:
            yield Silence(int(start) * FRAME_MS, int(end) * FRAME_MS)
