"""From samples to words: the port, and openai-whisper behind it. Settings: DESIGN section 7."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol, cast

import numba
import torch
import whisper
import whisper.timing
from whisper.tokenizer import LANGUAGES
from whisper.version import __version__ as whisper_version

from app.evidence.transcripts import Segment, Word
from workers.speech.plans import Engine, Figures, HeardSegment, digest
from workers.speech.wav import Samples
from workers.speech.weights import Weights, load

log = logging.getLogger(__name__)

SETTINGS = {
    "task": "transcribe",
    "fp16": False,
    "beam_size": 1,  # four times as fast as 5 and as right, once silence is left out and loudness is even
    "temperature": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    "condition_on_previous_text": False,  # else one slip is repeated to the end
    "compression_ratio_threshold": 2.4,
    "logprob_threshold": -1.0,
    "no_speech_threshold": 0.6,
    "word_timestamps": True,
}


class Transcriber(Protocol):
    """What hears. Times are milliseconds of the samples given; words keep the spaces that the model wrote."""

    engine: Engine
    languages: frozenset[str]

    def transcribe(self, samples: Samples, *, language: str) -> list[HeardSegment]:
        """Return what is said in at most 28 s of 16 kHz samples, in the language that was declared."""
        ...


class OpenAiWhisper:
    """openai-whisper, on `cpu` or `cuda`.

    Always in single precision: a job that begins on one kind of machine goes on under the same plan on the other.
    """

    def __init__(self, weights: Weights, *, speech_settings: Mapping[str, Any], device: str = "cpu") -> None:
        self._model = load(weights, device=device)
        self._model.encoder = _RememberingEncoder(self._model.encoder)
        self.languages = frozenset(LANGUAGES) if self._model.is_multilingual else frozenset({"en"})
        self.engine = Engine(
            name="openai-whisper",
            version=whisper_version,
            model=weights.name,
            model_sha256=weights.sha256,
            settings=digest({"decoding": SETTINGS, "speech": speech_settings}),
        )

    def warm_up(self) -> None:
        """Compile what numba compiles on first use, or find it compiled; so the first chunk needn't wait."""
        for compiled in (whisper.timing.backtrace, whisper.timing.dtw_cpu):
            try:
                cast("numba.core.dispatcher.Dispatcher", compiled).enable_caching()
            except RuntimeError as error:
                log.warning("Word timing is compiled at every start (2 s): %s", error)
        whisper.timing.dtw(torch.zeros(4, 8))

    def transcribe(self, samples: Samples, *, language: str) -> list[HeardSegment]:
        """See Transcriber."""
        answer = self._model.transcribe(samples, language=language, verbose=None, **SETTINGS)
        return [_heard(segment) for segment in answer["segments"] if segment["text"].strip()]


class _RememberingEncoder(torch.nn.Module):
    """Encodes the same sound once.

    Whisper encodes each window again for every temperature and for the times of its words: the same numbers
    each time. What is remembered is held, so its memory can't come back with another content.
    """

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self._encoder = encoder
        self._sound = torch.empty(0)
        self._encoded = torch.empty(0)

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        if not self._knows(sound):
            self._encoded = self._encoder(sound)
            self._sound = sound
        return self._encoded

    def _knows(self, sound: torch.Tensor) -> bool:
        return sound.data_ptr() == self._sound.data_ptr() and sound.shape == self._sound.shape


def _heard(segment: Mapping[str, Any]) -> HeardSegment:
    words = tuple(
        Word(_ms(word["start"]), _ms(word["end"]), word["word"], round(float(word["probability"]), 4))
        for word in segment["words"]
    )
    figures = Figures(
        avg_logprob=round(float(segment["avg_logprob"]), 4),
        no_speech_prob=round(float(segment["no_speech_prob"]), 4),
        compression_ratio=round(float(segment["compression_ratio"]), 4),
        temperature=float(segment["temperature"]),
    )
    text = segment["text"].strip()
    return HeardSegment(Segment(_ms(segment["start"]), _ms(segment["end"]), text, words), figures)


def _ms(seconds: float) -> int:
    return round(float(seconds) * 1000)
