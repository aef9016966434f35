"""Reading the speech WAV that the conversion made: 16 kHz, one channel, 16 bit; never all at once."""

import hashlib
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.evidence.transcripts import Span

RATE = 16_000
FRAMES_A_MS = RATE // 1000

Samples = NDArray[np.float32]


class BadWav(Exception):
    """The file can't be read as 16 kHz mono 16 bit WAV; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Wav:
    """A speech WAV on disk."""

    path: Path
    frames: int

    @property
    def duration_ms(self) -> int:
        """Length, rounded up so that no speech lies behind the end."""
        return -(-self.frames // FRAMES_A_MS)


def open_wav(path: Path) -> Wav:
    """Look at a WAV's head. Raises BadWav."""
    with _reading(path) as file:
        return Wav(path, file.getnframes())


def sha256_of(path: Path) -> str:
    """Return the digest of the whole file. Raises BadWav when it can't be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadWav(_reason(error)) from error


def blocks(wav: Wav, *, frames: int) -> Iterator[Samples]:
    """Give the samples (-1 to 1) in blocks of so many frames; the last may be shorter."""
    with _reading(wav.path) as file:
        while data := file.readframes(frames):
            yield _samples(data)


def read_spans(wav: Wav, spans: Sequence[Span]) -> Samples:
    """Return the samples of some stretches, one after the other."""
    with _reading(wav.path) as file:
        parts = [_read_span(file, span) for span in spans]
    return np.concatenate(parts)


def _read_span(file: wave.Wave_read, span: Span) -> Samples:
    if span.start_ms * FRAMES_A_MS > file.getnframes():
        raise BadWav(f"the recording ends before {span.start_ms} ms")
    file.setpos(span.start_ms * FRAMES_A_MS)
    return _samples(file.readframes(span.length_ms * FRAMES_A_MS))


def _reading(path: Path) -> wave.Wave_read:
    try:
        file = wave.open(str(path), "rb")  # noqa: SIM115 - handed to the caller's `with`
    except (OSError, EOFError, wave.Error) as error:
        raise BadWav(_reason(error)) from error
    shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
    if shape != (RATE, 1, 2):
        file.close()
        raise BadWav(f"{shape[0]} Hz, {shape[1]} channels, {8 * shape[2]} bit; not 16000 Hz, 1, 16 bit")
    return file


def _reason(error: Exception) -> str:
    """Say why without the path: people see it, and our folders are not their business."""
    return (error.strerror if isinstance(error, OSError) else str(error)) or type(error).__name__


def _samples(data: bytes) -> Samples:
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / 32768.0
