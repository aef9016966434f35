"""Files that send a media tool to other files and to servers: three walls, each of which holds alone.

The first bytes refuse them; ffprobe's list of formats refuses them; and where both are taken away the same ffmpeg opens
nothing in the sandbox, while it does without: so it is the sandbox that holds.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.workers.hostile.conftest import SECRET, Calls, Judge, was_opened
from workers.media.probe import Unreadable, probe
from workers.media.sandbox import GIB, Confinement, Limits, Sandbox
from workers.media.tools import Tools

EVERY_PROTOCOL = "file,http,https,tcp,udp,rtp,crypto,data,concat,subfile,async,cache"
END = "#EXT-X-ENDLIST\n"


@dataclass(frozen=True)
class Attack:
    """A file that points to `target`; `name` is what the attacker calls it. Without a sandbox it reaches `leaks`."""

    content: str
    name: str = "upload.mp4"
    leaks: frozenset[str] = frozenset()


PLAIN_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n"
BOTH = frozenset({"file", "http"})
ATTACKS = {
    "hls": Attack(PLAIN_HLS + END),
    "hls, by its name": Attack(PLAIN_HLS + END, "upload.m3u8", BOTH),
    "hls, live": Attack(PLAIN_HLS, "upload.m3u8", BOTH),
    "hls, key": Attack(
        '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1,\n{target}\n' + END,
        "upload.m3u8",
        BOTH,
    ),
    "hls, map": Attack(
        '#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="{target}"\n#EXTINF:1,\n{target}\n' + END,
        "upload.m3u8",
        BOTH,
    ),
    "hls, master": Attack("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n", "upload.m3u8", BOTH),
    "concat": Attack("ffconcat version 1.0\nfile '{target}'\n", "upload.ffconcat", frozenset({"file"})),
    "dash": Attack(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "upload.mpd",  # the ffmpeg that comes with our packages has no reader for it: nothing leaks in any case
    ),
    "sdp": Attack(
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "upload.sdp",
    ),
    "svg": Attack(
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{target}">]><svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"><text>&x;</text>'
        '<image xlink:href="{target}" width="64" height="64"/></svg>',
        "upload.svg",
    ),
}
PATIENT = Limits(cpu_seconds=20, wall_seconds=20, memory_bytes=GIB, file_bytes=1 << 20)
LIMITS = Limits(cpu_seconds=10, wall_seconds=1.5, memory_bytes=GIB, file_bytes=1 << 20)


def written(attack: Attack, folder: Path, *, where: str, canary: Path, calls: Calls) -> Path:
    path = folder / attack.name
    path.write_text(attack.content.replace("{target}", str(canary) if where == "file" else calls.address))
    return path


def follow(sandbox: Sandbox, tools: Tools, path: Path, out: Path, *, until: Callable[[], bool] | None = None) -> bytes:
    """Run ffmpeg as nobody should: every protocol, every format, unsafe names. Return all that it wrote."""
    out.mkdir()
    options = ["-nostdin", "-protocol_whitelist", EVERY_PROTOCOL]
    if path.suffix == ".ffconcat":
        options += ["-safe", "0"]
    command = [tools.binaries.ffmpeg, *options, "-i", path, "-map", "0", "-c", "copy", "-f", "data", out / "stolen"]
    limits = PATIENT if until else LIMITS
    run = sandbox.run(command, reads=[path], out_dir=out, limits=limits, cancelled=until)
    return run.stdout + run.stderr.encode() + b"".join(each.read_bytes() for each in out.iterdir())


@pytest.mark.parametrize("where", ["file", "http"])
@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_that_points_elsewhere_reaches_nothing(
    name: str, where: str, canary: Path, calls: Calls, tools: Tools, judge: Judge, tmp_path: Path
) -> None:
    attack = ATTACKS[name]
    path = written(attack, tmp_path, where=where, canary=canary, calls=calls)
    assert judge(path) == "not-media"
    with pytest.raises(Unreadable):  # the second wall, had the first bytes said nothing
        probe(path, tools=tools, scratch=tmp_path)
    stolen = follow(tools.sandbox, tools, path, tmp_path / "confined")  # the third, with the first two taken away
    assert SECRET not in stolen
    assert (was_opened(canary), calls.count) == (False, 0)
    if where in attack.leaks:  # and without the third this ffmpeg does what the file wants
        reached = partial(was_opened, canary) if where == "file" else calls.any
        follow(Sandbox(Confinement.OFF, 0), tools, path, tmp_path / "free", until=reached)
        assert reached()


def test_a_recording_whose_samples_are_said_to_lie_elsewhere_opens_nothing(
    canary: Path, calls: Calls, tools: Tools, good_mp4: Path, tmp_path: Path
) -> None:
    """QuickTime's data references: `url ` without its "here" flag, and an alias."""
    whole = good_mp4.read_bytes()
    here = b"url \x00\x00\x00\x01"
    for kind, target in (("url ", calls.address), ("alis", str(canary))):
        assert whole.count(here) == 2
        path = tmp_path / f"points-{kind.strip()}"
        path.write_bytes(whole.replace(here, kind.encode() + bytes(4)) + target.encode())
        for sandbox in (tools.sandbox, Sandbox(Confinement.OFF, 0)):
            stolen = follow(sandbox, tools, path, tmp_path / f"out-{kind.strip()}-{sandbox.confinement}")
            assert SECRET not in stolen
    assert (was_opened(canary), calls.count) == (False, 0)


def test_a_tool_that_was_taken_over_can_start_nothing_and_read_nothing(tools: Tools, tmp_path: Path) -> None:
    """As if a decoder's fault ran the attacker's code: a shell in the place of ffmpeg."""
    out, secret = tmp_path / "out", tmp_path / "secret"
    out.mkdir()
    secret.write_bytes(SECRET)
    script = f"cat {secret}; echo x > {tmp_path}/written; ls {tmp_path}; cat /etc/passwd /proc/{os.getpid()}/environ"
    run = tools.sandbox.run(["/bin/sh", "-c", script], reads=[], out_dir=out, limits=LIMITS)
    said = run.stdout + run.stderr.encode()
    assert SECRET not in said
    assert b"root:" not in said
    assert b"PATH=" not in said
    assert not (tmp_path / "written").exists()
