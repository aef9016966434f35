"""Files that send a media tool to other files and to servers: three walls, each of which holds alone.

The first bytes refuse them; ffprobe's list of formats refuses them; and where both are taken away, with every switch of
ffmpeg's own, the same ffmpeg opens nothing in the sandbox, while it does without: so it is the sandbox that holds.
"""

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.workers.conftest import Make
from tests.workers.hostile.conftest import SECRET, Calls, Judge, was_opened
from workers.media.probe import Unreadable, probe
from workers.media.sandbox import GIB, Confinement, Limits, Sandbox
from workers.media.tools import Tools

EVERY_PROTOCOL = "file,http,https,tcp,udp,rtp,crypto,data,concat,subfile,async,cache"
ANY_NAME = ("-f", "hls", "-allowed_extensions", "ALL", "-allowed_segment_extensions", "ALL", "-extension_picky", "0")
REFUSED = {"file": b"Permission denied", "http": b"Operation not permitted"}  # the words of EACCES and EPERM
HIDDEN = b"No such file or directory"
END = "#EXT-X-ENDLIST\n"


@dataclass(frozen=True)
class Attack:
    """A file that points to `target`; `name` is what the attacker calls it. Without a sandbox it reaches `leaks`.

    `options` open ffmpeg as wide as it goes. Some readers don't say why they can't open a file: they are `silent`.
    """

    content: str
    name: str = "upload.mp4"
    leaks: frozenset[str] = frozenset()
    options: tuple[str, ...] = ()
    silent: bool = False


PLAIN_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n"
BOTH = frozenset({"file", "http"})
ATTACKS = {
    "hls": Attack(PLAIN_HLS + END, leaks=BOTH, options=ANY_NAME, silent=True),
    "hls, by its name": Attack(PLAIN_HLS + END, "upload.m3u8", BOTH, silent=True),
    "hls, live": Attack(PLAIN_HLS, "upload.m3u8", BOTH, silent=True),
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
    "concat": Attack("ffconcat version 1.0\nfile '{target}'\n", "upload.ffconcat", BOTH, ("-safe", "0")),
    "dash": Attack(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT4S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "upload.mpd",  # not followed: the ffmpeg that comes with our packages has no reader for it
    ),
    "sdp": Attack(  # listens: see below
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        "upload.sdp",
    ),
    "svg": Attack(
        '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "{target}">]><svg xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64"><text>&x;</text>'
        '<image xlink:href="{target}" width="64" height="64"/></svg>',
        "upload.svg",  # not followed: no reader for it either
    ),
}
PATIENT = Limits(cpu_seconds=20, wall_seconds=20, memory_bytes=GIB, file_bytes=1 << 20)
LIMITS = Limits(cpu_seconds=10, wall_seconds=1.5, memory_bytes=GIB, file_bytes=1 << 20)


def written(attack: Attack, folder: Path, *, where: str, canary: Path, calls: Calls) -> Path:
    path = folder / attack.name
    path.write_text(attack.content.replace("{target}", str(canary) if where == "file" else calls.address))
    return path


def follow(
    sandbox: Sandbox,
    tools: Tools,
    path: Path,
    out: Path,
    *,
    options: tuple[str, ...] = (),
    until: Callable[[], bool] | None = None,
) -> bytes:
    """Run ffmpeg as nobody should: every protocol, every format, unsafe names. Return all that it wrote."""
    out.mkdir()
    opened = ["-nostdin", "-protocol_whitelist", EVERY_PROTOCOL, *options]
    command = [tools.binaries.ffmpeg, *opened, "-i", path, "-map", "0", "-c", "copy", "-f", "data", out / "stolen"]
    limits = PATIENT if until else LIMITS
    run = sandbox.run(command, reads=[path], out_dir=out, limits=limits, cancelled=until)
    return run.stdout + run.stderr.encode() + b"".join(each.read_bytes() for each in out.iterdir())


def is_refused(where: str, said: bytes, tools: Tools) -> bool:
    """Say whether the kernel refused it; bubblewrap has it hide files."""
    hides = tools.sandbox.confinement is Confinement.BWRAP and where == "file"
    return REFUSED[where] in said or (hides and HIDDEN in said)


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
    confined = partial(follow, tools.sandbox, tools, path, options=attack.options)
    stolen = confined(tmp_path / "confined")  # the third, with the first two taken away
    assert SECRET not in stolen
    assert (was_opened(canary), calls.count) == (False, 0)
    if where in attack.leaks:  # and without the third this ffmpeg does what the file wants
        assert is_refused(where, stolen, tools) or (attack.silent and where == "file")
        reached = partial(was_opened, canary) if where == "file" else calls.any
        free = Sandbox(Confinement.OFF, 0)
        follow(free, tools, path, tmp_path / "free", options=attack.options, until=reached)
        assert reached()


def test_the_kernel_says_no_to_what_they_point_to(canary: Path, calls: Calls, tools: Tools, tmp_path: Path) -> None:
    (out := tmp_path / "out").mkdir()
    for where, target in (("file", str(canary)), ("http", calls.address)):
        command = [tools.binaries.ffmpeg, "-nostdin", "-protocol_whitelist", EVERY_PROTOCOL, "-i", target]
        run = tools.sandbox.run(command, reads=[], out_dir=out, limits=LIMITS)
        assert is_refused(where, run.stderr.encode(), tools)
    assert (was_opened(canary), calls.count) == (False, 0)


def test_a_description_of_a_broadcast_listens_to_nobody(tools: Tools, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    path = tmp_path / "upload.sdp"
    path.write_text(ATTACKS["sdp"].content.replace("5004", str(port)))

    def listens() -> bool:
        return f":{port:04X} " in Path("/proc/net/udp").read_text()

    stolen = follow(tools.sandbox, tools, path, tmp_path / "confined", until=listens)
    assert b"socket: Operation not permitted" in stolen
    assert not listens()
    seen: list[bool] = []

    def seen_to_listen() -> bool:
        seen.append(listens())
        return seen[-1]

    follow(Sandbox(Confinement.OFF, 0), tools, path, tmp_path / "free", until=seen_to_listen)
    assert seen[-1]


def with_alias(whole: bytes, target: str) -> bytes:
    """Let a QuickTime file (one track, index last) say that its samples lie in another file, by an alias."""
    path = target.encode() + b"\0" * (len(target) % 2)
    alias = bytes(10 + 28 + 12 + 64 + 16) + b"\xff\xff" * 2 + bytes(16)  # no volume, no name, no relative path
    alias += (2).to_bytes(2) + len(path).to_bytes(2) + path + b"\xff\xff\0\0"
    entry = (12 + len(alias)).to_bytes(4) + b"alis" + bytes(4) + alias
    here = b"\0\0\0\x0curl \0\0\0\1"
    place = whole.index(here)
    longer = bytearray(whole)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = whole.rindex(box, 0, place) - 4
        size = int.from_bytes(whole[start : start + 4]) + len(entry) - len(here)
        longer[start : start + 4] = size.to_bytes(4)
    longer[place : place + len(here)] = entry
    return bytes(longer)


def test_a_recording_whose_samples_lie_elsewhere_is_followed_by_nobody(
    canary: Path, tools: Tools, make: Make, tmp_path: Path
) -> None:
    path = tmp_path / "upload.mov"
    whole = make(form="mov", size="64x48", rate="5", seconds=1, sound=False).read_bytes()
    path.write_bytes(with_alias(whole, str(canary)))
    options = ("-enable_drefs", "1", "-use_absolute_path", "1")
    reached = partial(was_opened, canary)
    stolen = follow(tools.sandbox, tools, path, tmp_path / "confined", options=options)
    assert SECRET not in stolen
    assert b"error opening alias" in stolen
    assert not reached()
    follow(Sandbox(Confinement.OFF, 0), tools, path, tmp_path / "free", options=options, until=reached)
    assert reached()


def test_a_recording_whose_samples_are_said_to_lie_elsewhere_opens_nothing(
    canary: Path, calls: Calls, tools: Tools, good_mp4: Path, tmp_path: Path
) -> None:
    """QuickTime's data references as ffmpeg takes them by itself: `url ` without its "here" flag, and an alias."""
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


TAKEN_OVER = """
import json, os, socket, sys
secret, out = sys.argv[1:3]
inside = os.path.join(out, "made")
tries = {
    "read": lambda: open(secret), "write": lambda: open(secret, "a"), "list": lambda: os.listdir(out + "/.."),
    "remove": lambda: os.remove(secret), "take": lambda: os.rename(secret, inside),
    "open to all": lambda: os.chmod(secret, 0o666),
    "chown": lambda: os.chown(secret, 1, 1), "touch": lambda: os.utime(secret), "cut": lambda: os.truncate(secret, 0),
    "mark": lambda: os.setxattr(secret, "user.x", b"x"), "copy by link": lambda: os.link(secret, inside),
    "point": lambda: os.symlink(secret, inside), "pipe": lambda: os.mkfifo(inside), "folder": lambda: os.mkdir(inside),
    "device": lambda: os.mknod(inside, 0o600 | 0o020000, 259), "users": lambda: open("/etc/passwd"),
    "worker": lambda: open(f"/proc/{os.getppid()}/environ"), "end the worker": lambda: os.kill(os.getppid(), 9),
    "call": lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3]))), "fork": os.fork,
    "hidden memory": lambda: os.memfd_create("x"), "slow others": lambda: os.sched_setaffinity(os.getppid(), {0}),
}
said = {}
for name, attempt in tries.items():
    try:
        said[name] = f"done: {attempt()}"
    except OSError as error:
        said[name] = os.strerror(error.errno)
try:
    said["memory"] = f"done: {len(bytearray(2 << 30))}"
except MemoryError:
    said["memory"] = "refused"
print(json.dumps(said), flush=True)
with open(inside, "wb") as file:
    while True:
        file.write(bytes(1 << 16))
"""


def test_a_tool_that_was_taken_over_can_do_nothing_beyond_its_own_folder(
    tools: Tools, calls: Calls, tmp_path: Path
) -> None:
    """As if a decoder's fault ran the attacker's program: Python in the place of ffmpeg."""
    out, secret = tmp_path / "out", tmp_path / "secret"
    out.mkdir()
    secret.write_bytes(SECRET)
    before = secret.stat()
    port = calls.address.rpartition(":")[2].partition("/")[0]
    command = [sys.executable, "-I", "-S", "-c", TAKEN_OVER, str(secret), str(out), port]
    python = [Path(sys.prefix), Path(sys.base_prefix)]
    run = tools.sandbox.run(command, reads=python, out_dir=out, limits=PATIENT)
    said = json.loads(run.stdout)
    assert said.pop("memory") == "refused"
    refusals = {"Permission denied", "Operation not permitted"}
    hidden = {HIDDEN.decode(), "No such process", "Invalid cross-device link"}
    allowed = refusals | (hidden if tools.sandbox.confinement is Confinement.BWRAP else set())
    assert {name: why for name, why in said.items() if why not in allowed} == {}
    assert calls.count == 0
    assert (secret.read_bytes(), secret.stat().st_mode, secret.stat().st_mtime_ns) == (
        SECRET,
        before.st_mode,
        before.st_mtime_ns,
    )
    assert "File too large" in run.stderr
    assert [(each.name, each.stat().st_size) for each in out.iterdir()] == [("made", PATIENT.file_bytes)]
