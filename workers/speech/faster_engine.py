"""faster-whisper behind the port (extra `fast`): CTranslate2, 8-bit weights, pieces decoded as one batch."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import ctranslate2
import faster_whisper
import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment

from workers.speech.engines import Wanted
from workers.speech.fast_weights import provide_folder
from workers.speech.heard import by_sentence
from workers.speech.plans import Engine, Guess, HeardSegment, digest
from workers.speech.transcriber import (
    COMPRESSION_LIMIT,
    LOGPROB_LIMIT,
    NO_SPEECH_LIMIT,
    TEMPERATURES,
    Heard,
    heard_segment,
    word_of,
)
from workers.speech.wav import FRAMES_A_MS, RATE, Samples

NUMBERS = {"cpu": "int8", "cuda": "int8_float16"}
SETTINGS: dict[str, Any] = {
    "task": "transcribe",
    "beam_size": 5,
    "compression_ratio_threshold": COMPRESSION_LIMIT,
    "log_prob_threshold": LOGPROB_LIMIT,
    "no_speech_threshold": NO_SPEECH_LIMIT,
    "word_timestamps": True,
}
MISSED_MS = 1_500  # so much speech without a word at the end of a piece is heard again
AGAIN = {"temperature": TEMPERATURES, "condition_on_previous_text": False}


class FasterWhisper:
    """faster-whisper, on `cpu` or `cuda`. The numbers differ between the two, so each has plans of its own."""

    def __init__(self, model: "_RememberingModel", engine: Engine) -> None:
        self._model = model
        self._batch = BatchedInferencePipeline(model)
        self.languages = frozenset(model.supported_languages)
        self.engine = engine

    def twin(self) -> Self:
        """See Transcriber."""
        return type(self)(copy.copy(self._model), self.engine)

    def transcribe(self, pieces: Sequence[Samples], *, language: str) -> list[Heard]:
        """See Transcriber."""
        said = self._together(pieces, language)
        guesses = self._guesses(language, count=len(pieces))
        said = [self._checked(piece, found, language) for piece, found in zip(pieces, said, strict=True)]
        for number, rest in self._rests(pieces, said, language):
            said[number] = [*said[number], *rest]
        return [Heard(tuple(found), guess) for found, guess in zip(said, guesses, strict=True)]

    def _together(self, pieces: Sequence[Samples], language: str) -> list[list[HeardSegment]]:
        ends = np.cumsum([len(piece) for piece in pieces])
        starts = [int(end) - len(piece) for end, piece in zip(ends, pieces, strict=True)]
        clips = [{"start": start / RATE, "end": int(end) / RATE} for start, end in zip(starts, ends, strict=True)]
        found, _ = self._batch.transcribe(
            np.concatenate(pieces), language=language, clip_timestamps=clips, batch_size=len(pieces), **SETTINGS
        )
        by_piece: list[list[HeardSegment]] = [[] for _ in pieces]
        for segment in found:
            number = int(np.searchsorted(ends, segment.seek * RATE // 100 + RATE // 100, side="right"))
            by_piece[number] += by_sentence(_heard(segment, offset_s=starts[number] / RATE))
        return by_piece

    def _rests(
        self, pieces: Sequence[Samples], said: Sequence[Sequence[HeardSegment]], language: str
    ) -> Iterator[tuple[int, list[HeardSegment]]]:
        """Hear what comes after the last word, where the model stopped early: it does before a much quieter speaker.

        All of a piece is speech, so seconds without a word are words that were missed.
        """
        ends = [found[-1].segment.end_ms if found else 0 for found in said]
        missed = [n for n, piece in enumerate(pieces) if len(piece) // FRAMES_A_MS - ends[n] > MISSED_MS]
        if missed:
            rests = self._together([pieces[n][ends[n] * FRAMES_A_MS :] for n in missed], language)
            for number, rest in zip(missed, rests, strict=True):
                yield number, [one.later(by_ms=ends[number]) for one in rest if not _is_doubtful(one)]

    def _guesses(self, language: str, *, count: int) -> list[Guess | None]:
        if not self._model.model.is_multilingual:
            return [None] * count
        return [Guess.of(likely, declared=language) for likely in self._model.languages_heard()]

    def _checked(self, piece: Samples, said: list[HeardSegment], language: str) -> list[HeardSegment]:
        """Hear a piece again, alone and less strictly, where the batch gave a text that looks made up."""
        if not any(_is_doubtful(one) for one in said):
            return said
        found, _ = self._model.transcribe(piece, language=language, **SETTINGS, **AGAIN)
        return [_heard(segment, offset_s=0.0) for segment in found if segment.text.strip()]


class _RememberingModel(WhisperModel):  # type: ignore[misc]  # the library brings no types
    """Keeps what it encoded last, so that naming the language costs one step of the decoder and no encoding."""

    _encoded: ctranslate2.StorageView

    def encode(self, features: np.ndarray) -> ctranslate2.StorageView:
        self._encoded = super().encode(features)
        return self._encoded

    def languages_heard(self) -> list[dict[str, float]]:
        """Return how likely each language is for each window that was encoded last."""
        return [
            {token.strip("<|>"): float(probability) for token, probability in window}
            for window in self.model.detect_language(self._encoded)
        ]


def open_it(wanted: Wanted, *, speech_settings: Mapping[str, Any]) -> FasterWhisper:
    """Load the model. Raises NoWeights."""
    weights = provide_folder(wanted.model, folder=wanted.folder, download=wanted.download)
    settings = {
        "decoding": SETTINGS,
        "again": AGAIN,
        "missed_ms": MISSED_MS,
        "speech": speech_settings,
        "numbers": NUMBERS[wanted.device],
    }
    version = f"{faster_whisper.__version__}/{ctranslate2.__version__}"
    engine = Engine("faster-whisper", version, weights.name, weights.sha256, digest(settings))
    model = _RememberingModel(
        str(weights.path),
        device=wanted.device,
        compute_type=NUMBERS[wanted.device],
        cpu_threads=1,
        num_workers=wanted.threads,  # that many twins compute at the same time
    )
    return FasterWhisper(model, engine)


def _is_doubtful(heard: HeardSegment) -> bool:
    figures = heard.figures
    if figures.no_speech_prob > NO_SPEECH_LIMIT and figures.avg_logprob < LOGPROB_LIMIT:
        return False  # silence, not a text to be mended
    return figures.compression_ratio > COMPRESSION_LIMIT or figures.avg_logprob < LOGPROB_LIMIT


def _heard(segment: Segment, *, offset_s: float) -> HeardSegment:
    words = [
        word_of(
            start_s=max(word.start - offset_s, 0.0),
            end_s=max(word.end - offset_s, 0.0),
            text=word.word,
            probability=word.probability,
        )
        for word in segment.words or ()
    ]
    facts = {
        "start": max(segment.start - offset_s, 0.0),
        "end": max(segment.end - offset_s, 0.0),
        "text": segment.text,
        "avg_logprob": segment.avg_logprob,
        "no_speech_prob": segment.no_speech_prob,
        "compression_ratio": segment.compression_ratio,
        "temperature": segment.temperature,
    }
    return heard_segment(words, facts)
