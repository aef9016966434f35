"""The other side of `assay bench media`: a recording, and the plain calls of ffmpeg that make our files from it.

`python -m workers.byhand make RECORDING --seconds N` makes a talk before a camera; `convert RECORDING` runs the calls
one after the other, without sandbox, storage or database, and prints what they used as JSON. The probing that tells
their settings isn't counted.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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

VOICES = ("en-librivox-1.flac", "en-fleurs-1.flac", "en-librivox-2.flac")
# Moving, with the grain of a camera in a room: a still picture would cost no time to encode.
SCENE = "testsrc2=s=1280x720:r=30,noise=alls=6:allf=t"


def main(argv: Sequence[str] | None = None) -> None:
    """Make or convert a recording."""
    parser = argparse.ArgumentParser(prog="python -m workers.byhand")
    parser.add_argument("act", choices=["make", "convert"])
    parser.add_argument("recording", type=Path)
    parser.add_argument("--seconds", type=int, default=300)
    asked = parser.parse_args(argv)
    settings = load_settings()
    tools = Tools(binaries(settings), open_sandbox(settings.sandbox))
    if asked.act == "make":
        make(asked.recording, tools, seconds=asked.seconds)
    else:
        sys.stdout.write(json.dumps(convert(asked.recording, tools)))


def make(recording: Path, tools: Tools, *, seconds: int) -> None:
    """Make a video of somebody who speaks, over and over, as a phone would record it (H.264 and AAC in MP4)."""
    inputs = [word for name in VOICES for word in ("-i", str(SAMPLES / name))]
    voices = "".join(f"[{number + 1}:a]aresample=48000,aformat=channel_layouts=mono[v{number}];" for number in range(3))
    spoken = f"{voices}[v0][v1][v2]concat=n=3:v=0:a=1,aloop=loop=-1:size=3000000[talk]"
    command = [str(tools.binaries.ffmpeg), "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", SCENE, *inputs]
    command += ["-filter_complex", spoken, "-map", "0:v", "-map", "[talk]", "-t", str(seconds)]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run([*command, "-f", "mp4", str(recording)], check=True)


def convert(recording: Path, tools: Tools) -> dict[str, float]:
    """Run the plain calls and return their processor time and their time on the clock, in seconds."""
    with tempfile.TemporaryDirectory() as name:
        commands = _commands(recording, tools, Path(name))
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        for command in commands:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": round(cpu_s, 2), "wall_s": round(wall_s, 2)}


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
