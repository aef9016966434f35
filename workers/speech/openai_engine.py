"""openai-whisper behind the port: several pieces decoded at once, everything else as the library does it."""

import copy
import logging
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Self, cast

import numba
import torch
import whisper
import whisper.timing
from whisper.audio import HOP_LENGTH, N_FRAMES, N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions, DecodingResult
from whisper.tokenizer import LANGUAGES
from whisper.version import __version__ as whisper_version

from workers.speech.engines import Wanted
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
from workers.speech.wav import Samples
from workers.speech.weights import load, provide

log = logging.getLogger(__name__)

# Greedy: four times as fast as five beams and as right, once silence is left out and loudness is even.
SETTINGS = {
    "task": "transcribe",
    "fp16": False,
    "temperature": TEMPERATURES,
    "condition_on_previous_text": False,  # else one slip is repeated to the end
    "compression_ratio_threshold": COMPRESSION_LIMIT,
    "logprob_threshold": LOGPROB_LIMIT,
    "no_speech_threshold": NO_SPEECH_LIMIT,
    "word_timestamps": True,
}


class OpenAiWhisper:
    """openai-whisper, on `cpu` or `cuda`.

    Always in single precision: a job that begins on one kind of machine goes on under the same plan on the other.
    """

    def __init__(self, model: whisper.Whisper, engine: Engine) -> None:
        self._plain, self._model = model, _same_numbers(model)
        self._encoder = _RememberingEncoder(self._model.encoder)
        self._model.encoder = self._encoder
        self._decoder = _AheadDecoder(self._model)
        self.languages = frozenset(LANGUAGES) if model.is_multilingual else frozenset({"en"})
        self.engine = engine

    def twin(self) -> Self:
        """See Transcriber."""
        return type(self)(self._plain, self.engine)

    def warm_up(self) -> None:
        """Compile what numba compiles on first use, or find it compiled; so the first chunk needn't wait."""
        for compiled in (whisper.timing.backtrace, whisper.timing.dtw_cpu):
            try:
                cast("numba.core.dispatcher.Dispatcher", compiled).enable_caching()
            except RuntimeError as error:
                log.warning("Word timing is compiled at every start (2 s): %s", error)
        whisper.timing.dtw(torch.zeros(4, 8))

    def transcribe(self, pieces: Sequence[Samples], *, language: str) -> list[Heard]:
        """See Transcriber."""
        with torch.inference_mode():
            windows = torch.stack([self._window(samples) for samples in pieces])
            guesses = self._guesses(windows, language)
            self._decoder.decode_ahead(windows, language=language)
            segments = [self._segments(samples, language) for samples in pieces]
        return [Heard(*each) for each in zip(segments, guesses, strict=True)]

    def _window(self, samples: Samples) -> torch.Tensor:
        """Return what `whisper.transcribe` will look at first: the spectrum of the piece, filled up to 30 s."""
        spectrum = log_mel_spectrogram(samples, self._model.dims.n_mels, padding=N_SAMPLES)
        sounding = spectrum[:, : min(N_FRAMES, len(samples) // HOP_LENGTH)]
        return cast("torch.Tensor", pad_or_trim(sounding, N_FRAMES).to(self._model.device))

    def _guesses(self, windows: torch.Tensor, language: str) -> list[Guess | None]:
        if not self._model.is_multilingual:
            return [None] * len(windows)
        _, likely = self._model.detect_language(self._encoder(windows))
        return [Guess.of(each, declared=language) for each in likely]

    def _segments(self, samples: Samples, language: str) -> tuple[HeardSegment, ...]:
        answer = self._model.transcribe(samples, language=language, verbose=None, **SETTINGS)
        return tuple(_heard(segment) for segment in answer["segments"] if segment["text"].strip())


def _same_numbers(model: whisper.Whisper) -> whisper.Whisper:
    """Copy the modules of a model and share their weights: decoding hangs its memory on the modules."""
    numbers = {id(each): each for each in (*model.parameters(), *model.buffers())}
    return cast("whisper.Whisper", copy.deepcopy(model, numbers))


class _OneAtATime:
    """Finds the times of words for one twin at a time: the library flips a switch of all models meanwhile."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._find = whisper.timing.find_alignment

    def __call__(self, *about: Any, **more: Any) -> list[whisper.timing.WordTiming]:
        with self._turn:
            found: list[whisper.timing.WordTiming] = self._find(*about, **more)
            return found


class _RememberingEncoder(torch.nn.Module):
    """Encodes the same sound once.

    Whisper encodes each window again for every temperature and for the times of its words: the same numbers
    each time. Windows that were encoded together are found again one by one.
    """

    def __init__(self, encoder: torch.nn.Module) -> None:
        super().__init__()
        self._encoder = encoder
        self._windows = torch.empty(0)
        self._encoded = torch.empty(0)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        rows = [_row(self._windows, window) for window in windows]
        if None in rows:
            self._encoded = self._encoder(windows)
            self._windows = windows
            return self._encoded
        found: torch.Tensor = self._encoded[rows]
        return found


class _AheadDecoder:
    """Decodes windows together before `whisper.transcribe` asks for them one by one.

    Greedy decoding on a processor waits for the weights to come from memory: for four windows they come once.
    What the library then makes of the tokens (segments, times, higher temperatures) stays its own business.
    """

    def __init__(self, model: whisper.Whisper) -> None:
        self._model = model
        self._windows = torch.empty(0)
        self._results: list[DecodingResult] = []
        model.decode = self._decode

    def decode_ahead(self, windows: torch.Tensor, *, language: str) -> None:
        options = DecodingOptions(task="transcribe", language=language, temperature=0.0, fp16=False)
        results = whisper.decode(self._model, windows, options)
        self._windows, self._results = windows, cast("list[DecodingResult]", results)

    def _decode(self, window: torch.Tensor, options: DecodingOptions) -> DecodingResult:
        row = _row(self._windows, window) if options.temperature == 0 else None
        if row is not None:
            return self._results[row]
        return cast("DecodingResult", whisper.decode(self._model, window, options))


def _row(windows: torch.Tensor, window: torch.Tensor) -> int | None:
    return next((number for number, known in enumerate(windows) if torch.equal(known, window)), None)


def _heard(segment: Mapping[str, Any]) -> HeardSegment:
    words = [
        word_of(start_s=word["start"], end_s=word["end"], text=word["word"], probability=word["probability"])
        for word in segment["words"]
    ]
    return heard_segment(words, segment)


def open_it(wanted: Wanted, *, speech_settings: Mapping[str, Any]) -> OpenAiWhisper:
    """Load the model and make it ready. Raises NoWeights."""
    weights = provide(wanted.model, folder=wanted.folder, download=wanted.download)
    settings = digest({"decoding": SETTINGS, "speech": speech_settings})
    engine = Engine("openai-whisper", whisper_version, weights.name, weights.sha256, settings)
    whisper.timing.find_alignment = _OneAtATime()
    opened = OpenAiWhisper(load(weights, device=wanted.device), engine)
    opened.warm_up()
    return opened
