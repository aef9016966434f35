"""Where in a recording somebody speaks: silero-vad over the WAV, a few seconds in memory at a time."""

import numpy as np
import silero_vad
import torch

from app.evidence.transcripts import Span
from workers.speech.chunks import LONGEST_MS
from workers.speech.wav import FRAMES_A_MS, RATE, Samples, Wav, blocks

WINDOW = 512  # samples that the model looks at: 32 ms
SETTINGS = {
    "threshold": 0.5,
    "min_speech_duration_ms": 250,
    "min_silence_duration_ms": 500,
    "speech_pad_ms": 200,
    "max_speech_duration_s": LONGEST_MS / 1000,
}


class SpeechFinder:
    """The voice activity model, loaded once. Not for several threads: it remembers what it heard last."""

    def __init__(self) -> None:
        # The TorchScript file: torch is here already for Whisper, onnxruntime would be one more library.
        self._model = silero_vad.load_silero_vad(onnx=False)

    def spans(self, wav: Wav) -> tuple[Span, ...]:
        """Return the stretches with speech, padded, in order, apart; none where nobody speaks.

        Speech without a pause of half a second is cut near 28 s, in its longest shorter pause if it has one.
        """
        found = silero_vad.get_speech_timestamps_from_probs(
            self._probabilities(wav), sampling_rate=RATE, audio_length_samples=wav.frames, **SETTINGS
        )
        spans = (Span(stretch["start"] // FRAMES_A_MS, stretch["end"] // FRAMES_A_MS) for stretch in found)
        return tuple(span for span in spans if span.length_ms > 0)

    def _probabilities(self, wav: Wav) -> list[float]:
        self._model.reset_states()
        probabilities: list[float] = []
        with torch.inference_mode():
            for block in blocks(wav, frames=WINDOW * 256):
                windows = torch.from_numpy(_whole_windows(block)).reshape(-1, WINDOW)
                probabilities += [float(self._model(window, RATE)) for window in windows]
        return probabilities


def _whole_windows(block: Samples) -> Samples:
    return np.pad(block, (0, -len(block) % WINDOW))
