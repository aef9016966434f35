"""Where in a recording somebody speaks: silero-vad over the WAV, a few seconds in memory at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import silero_vad
import torch

from app.evidence.transcripts import Span
from workers.speech.chunks import LONGEST_MS
from workers.speech.wav import FRAMES_A_MS, RATE, Samples, Wav, blocks

WINDOW = 512  # samples that the model looks at: 32 ms
CONTEXT = 64  # of the window before, which it looks at again
AT_ONCE = 256  # windows, 8 s
SETTINGS = {
    "threshold": 0.5,
    "min_speech_duration_ms": 250,
    "min_silence_duration_ms": 500,
    "speech_pad_ms": 200,
    "max_speech_duration_s": LONGEST_MS / 1000,
}


class SpeechFinder:
    """The voice activity model, loaded once. Not for several threads: it counts torch's threads down meanwhile."""

    def __init__(self) -> None:
        self._model = _VoiceModel()

    def spans(self, wav: Wav) -> tuple[Span, ...]:
        """Return the stretches with speech, padded, in order, apart; none where nobody speaks.

        Speech without a pause of half a second is cut near 28 s, in its longest shorter pause if it has one.
        """
        found = silero_vad.get_speech_timestamps_from_probs(
            self.probabilities(wav), sampling_rate=RATE, audio_length_samples=wav.frames, **SETTINGS
        )
        spans = (Span(stretch["start"] // FRAMES_A_MS, stretch["end"] // FRAMES_A_MS) for stretch in found)
        return tuple(span for span in spans if span.length_ms > 0)

    def probabilities(self, wav: Wav) -> list[float]:
        """Return how likely somebody speaks (0 to 1), for each 32 ms."""
        self._model.forget()
        found: list[float] = []
        with torch.inference_mode(), _one_thread():
            for block in blocks(wav, frames=WINDOW * AT_ONCE):
                found += self._model.hear(torch.from_numpy(_whole_windows(block)).reshape(-1, WINDOW)).tolist()
        return found


class _VoiceModel:
    """Silero's model over many windows in one call: the same numbers in a quarter of the time.

    It looks at each window by itself; only what it then remembers (an LSTM) needs their order.
    """

    def __init__(self) -> None:
        # The TorchScript file: torch is here already for Whisper, onnxruntime would be one more library.
        self._parts = silero_vad.load_silero_vad(onnx=False)._model  # noqa: SLF001  # for 16 kHz; 8 kHz is beside it
        learnt = {f"{name}_l0": numbers for name, numbers in self._parts.decoder.rnn.state_dict().items()}
        gates, width = learnt["weight_ih_l0"].shape
        self._memory = torch.nn.LSTM(width, gates // 4)
        self._memory.load_state_dict(learnt)
        self.forget()

    def forget(self) -> None:
        """Begin another recording."""
        self._context = torch.zeros(1, CONTEXT)
        self._remembered = None

    def hear(self, windows: torch.Tensor) -> torch.Tensor:
        """Return a probability for each of the windows that come next."""
        ends = torch.cat([self._context, windows[:, -CONTEXT:]])
        seen = self._parts.encoder(self._parts.run_extractors(torch.cat([ends[:-1], windows], dim=1)))
        held, self._remembered = self._memory(seen.squeeze(-1), self._remembered)
        self._context = ends[-1:]
        likely: torch.Tensor = self._parts.decoder.decoder(held.unsqueeze(-1)).flatten()
        return likely


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: for so little work at a time the others cost more than they do.

    On a busy machine waiting for them took 77 s where one thread takes one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _whole_windows(block: Samples) -> Samples:
    return np.pad(block, (0, -len(block) % WINDOW))
