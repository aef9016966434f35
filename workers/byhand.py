"""The other side of `assay bench media` and `pipeline`: a recording, and the plain calls that make our files from it.

`python -m workers.byhand make RECORDING --seconds N` makes a talk before a camera. `convert RECORDING` runs the calls
of ffmpeg one after the other, without sandbox, storage or database; `whisper` makes the call of that command, `greedy`
the one with our settings on our even sound. They print what was used as JSON. What tells the settings of ffmpeg, and
loading the model, isn't counted.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from app.demo.recordings import SAMPLES
from app.settings import load_settings
from workers.doctor import binaries
from workers.media.picture import POSTER_AT, picture_command, poster_command
from workers.media.preview import box_for, preview_command
from workers.media.probe import count, probe
from workers.media.sandbox import open_sandbox
from workers.media.sound import sound_command
from workers.media.tools import Tools
from workers.speech.bench import whisper

VOICES = ("en-librivox-1.flac", "en-fleurs-1.flac", "en-librivox-2.flac")
# Moving, with the grain of a camera in a room: a still picture would cost no time to encode.
SCENE = "testsrc2=s=1280x720:r=30,noise=alls=6:allf=t"


def main(argv: Sequence[str] | None = None) -> None:
    """Make or convert a recording."""
    parser = argparse.ArgumentParser(prog="python -m workers.byhand")
    parser.add_argument("act", choices=["make", "convert", "whisper", "greedy"])
    parser.add_argument("recording", type=Path)
    parser.add_argument("--seconds", type=int, default=300)
    asked = parser.parse_args(argv)
    settings = load_settings()
    tools = Tools(binaries(settings), open_sandbox(settings.sandbox))
    if asked.act == "make":
        make(asked.recording, tools, seconds=asked.seconds)
        return
    with tempfile.TemporaryDirectory() as name:
        act = {"convert": _convert, "whisper": _whisper, "greedy": _greedy}[asked.act](
            asked.recording, tools, Path(name)
        )
        sys.stdout.write(json.dumps(_used(act)))


def make(recording: Path, tools: Tools, *, seconds: int) -> None:
    """Make a video of somebody who speaks, over and over, as a phone would record it (H.264 and AAC in MP4)."""
    inputs = [word for name in VOICES for word in ("-i", str(SAMPLES / name))]
    voices = "".join(f"[{number + 1}:a]aresample=48000,aformat=channel_layouts=mono[v{number}];" for number in range(3))
    spoken = f"{voices}[v0][v1][v2]concat=n=3:v=0:a=1,aloop=loop=-1:size=3000000[talk]"
    command = [str(tools.binaries.ffmpeg), "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", SCENE, *inputs]
    command += ["-filter_complex", spoken, "-map", "0:v", "-map", "[talk]", "-t", str(seconds)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, "-f", "mp4", str(recording)], check=True)


def _used(act: Callable[[], object]) -> dict[str, float]:
    """Return the processor time of an act, with its children's, and its time on the clock, in seconds."""
    before, began = _cpu_s(), time.monotonic()
    act()
    return {"cpu_s": round(_cpu_s() - before, 2), "wall_s": round(time.monotonic() - began, 2)}


def _cpu_s() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _run(commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _convert(recording: Path, tools: Tools, out: Path) -> Callable[[], object]:
    return partial(_run, _commands(recording, tools, out))


def _whisper(recording: Path, tools: Tools, out: Path) -> Callable[[], object]:
    wav, transcribe = out / "sound.wav", whisper(load_settings())
    reading = [str(tools.binaries.ffmpeg), "-nostdin", "-i", str(recording), "-ac", "1", "-ar", "16000", str(wav)]

    def act() -> None:  # as the command does: it has ffmpeg read the sound
        _run([reading])
        transcribe(wav)

    return act


def _greedy(recording: Path, tools: Tools, out: Path) -> Callable[[], object]:
    from workers.speech.openai_engine import SETTINGS  # noqa: PLC0415  # torch: only what measures speech loads it

    _run(_commands(recording, tools, out)[:-2])  # the sound comes before the picture, and isn't counted again
    transcribe = whisper(load_settings(), SETTINGS)
    return partial(transcribe, out / "speech.wav")


def _commands(recording: Path, tools: Tools, out: Path) -> list[list[str]]:
    found = probe(recording, tools=tools, scratch=out)
    length_ms = count(recording, tools=tools, scratch=out).duration_ms
    playable, box = out / "playable.mp4", box_for(found)
    commands = [preview_command(recording, found, box, out / "preview", tools)] if box else []
    if found.audio:
        outputs = (out / "speech.wav", out / "samples.raw", None)
        commands.append(sound_command(recording, found.audio, outputs, tools, duration_ms=length_ms))
    commands.append(picture_command(recording, found, playable, tools, duration_ms=length_ms))
    return [*commands, poster_command(playable, out / "poster.jpg", tools, at_ms=POSTER_AT * length_ms)]


if __name__ == "__main__":
    main()
