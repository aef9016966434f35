"""The voice model over many windows at once says what it says window after window."""

import pytest
import silero_vad
import torch

from workers.speech import vad
from workers.speech.wav import RATE, blocks, open_wav

pytestmark = [
    pytest.mark.speech,
    pytest.mark.filterwarnings("ignore:.*torch.jit.load:DeprecationWarning"),  # silero's own way to load
]


def test_many_windows_at_once_are_heard_as_one_after_the_other(studio):
    wav = open_wav(studio.clips("voices.wav", "en-librivox-2.flac", "en-fleurs-2-very-quiet.flac"))
    silero = silero_vad.load_silero_vad(onnx=False)
    with torch.inference_mode():
        whole = (block for block in blocks(wav, frames=vad.WINDOW) if len(block) == vad.WINDOW)
        wanted = [float(silero(torch.from_numpy(block), RATE)) for block in whole]
    finder, threads = vad.SpeechFinder(), torch.get_num_threads()

    found = [finder.probabilities(wav), finder.probabilities(wav)][1]  # the second knows nothing of the first

    assert found[: len(wanted)] == pytest.approx(wanted, abs=1e-3)
    assert len(found) > vad.AT_ONCE  # more than one block
    assert 0.2 < sum(each > 0.5 for each in found) / len(found) < 0.95
    assert torch.get_num_threads() == threads
