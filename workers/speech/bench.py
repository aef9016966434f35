"""What `assay bench speech` runs: our transcription beside the plain call of each library, on the same words.

`python -m workers.speech.bench` joins samples, then runs each side in a process of its own, in turns. A side loads its
model first; only what comes after is measured. The plain side is the call that the command `whisper --model base
--language en --word_timestamps True` makes, with its options.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from app.demo.recordings import SAMPLES
from app.settings import Settings, load_settings
from app.supervisor.plan import import_path, python
from workers.media.binaries import find_binaries
from workers.media.sound import EVEN_OUT
from workers.speech.engines import NotInstalled, make_sure_of

PAUSE_S = 0.5
PLAIN, OURS = "whisper", "openai-whisper"
PLAIN_FAST, OURS_FAST = "faster-whisper by hand", "faster-whisper"
MIB = 1024
AS_THE_COMMAND = {  # `whisper --model base --language en --word_timestamps True`
    "beam_size": 5,
    "best_of": 5,
    "temperature": tuple(step / 5 for step in range(6)),
    "word_timestamps": True,
}


@dataclass(frozen=True, slots=True)
class Sound:
    """The joined samples: as they are, made even, and what is said in them. `even_s`: how long making even took."""

    raw: Path
    even: Path
    even_s: float
    seconds: float
    said: str


@dataclass(frozen=True, slots=True)
class Side:
    """One way to transcribe. Seconds are the median of all rounds, without loading; `cpu_s` of all its threads."""

    name: str
    wall_s: float
    cpu_s: float
    wer: float
    memory_mib: int


def main() -> int:
    """Measure and print JSON: the sides and their ratios. `--side` runs one of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--repeat", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side")
    parser.add_argument("--wav", type=Path)
    asked = parser.parse_args()
    settings = load_settings()
    if asked.side:
        print(json.dumps(_run(asked.side, asked.wav, settings)))  # noqa: T201  # for the process that asked
        return 0
    with tempfile.TemporaryDirectory() as folder:
        sound = _joined(asked.samples, Path(folder), settings, repeat=asked.repeat)
        sides = _measure(sound, rounds=asked.rounds)
    print(json.dumps(_figures(sound, sides, rounds=asked.rounds)))  # noqa: T201
    return 0


def _figures(sound: Sound, sides: Mapping[str, Side], *, rounds: int) -> dict[str, Any]:
    ratios = [(OURS, PLAIN, 3.0), (OURS_FAST, PLAIN, 8.0), (OURS_FAST, PLAIN_FAST, 0.95)]
    return {
        "seconds": round(sound.seconds, 1),
        "rounds": rounds,
        "sides": [asdict(side) for side in sides.values()],
        "ratios": [
            {
                "what": ours,
                "against": plain,
                "wall": round(sides[plain].wall_s / sides[ours].wall_s, 2),
                "cpu": round(sides[plain].cpu_s / sides[ours].cpu_s, 2),
                "aim": aim,
            }
            for ours, plain, aim in ratios
            if ours in sides and plain in sides
        ],
    }


def _joined(samples: Path, folder: Path, settings: Settings, *, repeat: int) -> Sound:
    """Join the English samples of a folder with its `transcripts.json`, loud and quiet speakers in turn."""
    said = json.loads((samples / "transcripts.json").read_text(encoding="utf-8"))
    clips = [name for name, about in sorted(said.items()) if about["lang"] == "en"] * repeat
    binaries = find_binaries(cache=settings.data_dir.absolute() / "tools")
    raw, even = folder / "raw.wav", folder / "even.wav"
    inputs = [word for name in clips for word in ("-i", str(samples / name))]
    padded = "".join(f"[{n}:a]aresample=16000,apad=pad_dur={PAUSE_S}[p{n}];" for n in range(len(clips)))
    graph = f"{padded}{''.join(f'[p{n}]' for n in range(len(clips)))}concat=n={len(clips)}:v=0:a=1[out]"
    form = ["-ac", "1", "-ar", "16000", "-c:a", "pcm_s16le"]
    command = [str(binaries.ffmpeg), "-v", "error", "-nostdin", "-y"]
    subprocess.run([*command, *inputs, "-filter_complex", graph, "-map", "[out]", *form, str(raw)], check=True)
    filters = "dynaudnorm=" + ":".join(f"{name}={value}" for name, value in EVEN_OUT.items())
    began = time.perf_counter()
    subprocess.run([*command, "-i", str(raw), "-af", filters, *form, str(even)], check=True)
    return Sound(
        raw,
        even,
        time.perf_counter() - began,
        raw.stat().st_size / 32_000,
        " ".join(said[name]["text"] for name in clips),
    )


def _measure(sound: Sound, *, rounds: int) -> dict[str, Side]:
    names = [PLAIN, OURS]
    try:
        make_sure_of("faster-whisper")
        names += [PLAIN_FAST, OURS_FAST]
    except NotInstalled as reason:
        print(reason, file=sys.stderr)  # noqa: T201
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            # By hand the quiet speakers would be lost: both fast sides get the even sound, and are compared by speed.
            runs[name].append(_in_process(name, sound.raw if name == PLAIN else sound.even))
            print(f"round {number + 1}: {name}: {runs[name][-1]['wall_s']:.1f} s", file=sys.stderr)  # noqa: T201
    return {name: _side(name, found, sound) for name, found in runs.items()}


def _in_process(name: str, wav: Path) -> dict[str, Any]:
    command = python("workers.speech.bench", "--side", name, "--wav", str(wav))
    threads = str(os.cpu_count() or 1)
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        # passive: on a busy machine threads would spin for one another's sake, which is no side's work
        env={**os.environ, "PYTHONPATH": import_path(), "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"},
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _side(name: str, runs: Sequence[Mapping[str, Any]], sound: Sound) -> Side:
    even_s = sound.even_s if name in {OURS, OURS_FAST} else 0.0
    return Side(
        name,
        round(statistics.median(run["wall_s"] for run in runs) + even_s, 2),
        round(statistics.median(run["cpu_s"] for run in runs) + even_s, 2),
        round(word_error_rate(sound.said, runs[0]["text"]), 4),
        max(run["memory_mib"] for run in runs),
    )


def word_error_rate(said: str, heard: str) -> float:
    """Return insertions, deletions and replacements against the words said, as Whisper's normaliser writes them."""
    normalise = resolve_name("whisper.normalizers:EnglishTextNormalizer")()
    wanted, found = normalise(said).split(), normalise(heard).split()
    row = list(range(len(found) + 1))
    for number, word in enumerate(wanted, start=1):
        before, row = row, [number]
        for column, other in enumerate(found, start=1):
            row.append(min(before[column] + 1, row[-1] + 1, before[column - 1] + (word != other)))
    return row[-1] / len(wanted)


def _run(name: str, wav: Path, settings: Settings) -> dict[str, Any]:
    transcribe = SIDES[name](settings)
    wall, cpu = time.perf_counter(), time.process_time()
    text = transcribe(wav)
    return {
        "text": text,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MIB,
    }


def whisper(settings: Settings, options: Mapping[str, Any] = AS_THE_COMMAND) -> Callable[[Path], str]:
    """Load openai-whisper and return its plain call on a 16 kHz WAV, warm: what numba compiles at first is compiled."""
    import torch  # noqa: PLC0415  # only the side that measures loads it
    import whisper.timing as word_times  # noqa: PLC0415

    from workers.speech.weights import load, provide  # noqa: PLC0415

    model = load(provide(settings.whisper_model, folder=settings.model_dir))
    word_times.dtw(torch.zeros(4, 8))

    def transcribe(wav: Path) -> str:
        text: str = model.transcribe(_read(wav), **{"language": "en", "fp16": False, **options})["text"]
        return text

    return transcribe


def _fast_by_hand(settings: Settings) -> Callable[[Path], str]:
    from faster_whisper import BatchedInferencePipeline, WhisperModel  # noqa: PLC0415

    from workers.speech.fast_weights import provide_folder  # noqa: PLC0415

    weights = provide_folder(settings.whisper_model, folder=settings.model_dir)
    model = WhisperModel(str(weights.path), device="cpu", compute_type="int8", cpu_threads=os.cpu_count() or 1)
    batched = BatchedInferencePipeline(model)

    def transcribe(wav: Path) -> str:
        found, _ = batched.transcribe(str(wav), language="en", beam_size=5, word_timestamps=True, batch_size=8)
        return " ".join(segment.text for segment in found)

    return transcribe


def _ours(name: str) -> Callable[[Settings], Callable[[Path], str]]:
    def prepare(settings: Settings) -> Callable[[Path], str]:
        from workers.speech.child import open_desk  # noqa: PLC0415
        from workers.speech.engines import Wanted  # noqa: PLC0415
        from workers.speech.plans import join, together  # noqa: PLC0415

        wanted = Wanted(settings.whisper_model, folder=settings.model_dir, threads=os.cpu_count() or 1)
        desk = open_desk(name, wanted)

        def transcribe(wav: Path) -> str:
            plan = desk.plan(wav, language="en")
            pieces = together(range(len(plan.chunks)))
            results = [each for indices in pieces for each in desk.transcribe(wav, plan=plan, indices=indices)]
            return " ".join(segment.text for segment in join(plan, results).segments)

        return transcribe

    return prepare


def _read(wav: Path) -> Any:
    from app.evidence.transcripts import Span  # noqa: PLC0415
    from workers.speech.wav import open_wav, read_spans  # noqa: PLC0415

    found = open_wav(wav)
    return read_spans(found, [Span(0, found.duration_ms)])


SIDES: dict[str, Callable[[Settings], Callable[[Path], str]]] = {
    PLAIN: whisper,
    OURS: _ours(OURS),
    PLAIN_FAST: _fast_by_hand,
    OURS_FAST: _ours(OURS_FAST),
}

if __name__ == "__main__":
    sys.exit(main())
