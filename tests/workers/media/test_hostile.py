"""Files that want to do harm end as a sentence for the candidate; nothing leaks and nobody is called."""

import io
import os
import socket
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.conftest import Make
from workers.media.gate import Allowed, Kind, Refusal, refuse_bytes, refuse_extent, refuse_streams
from workers.media.probe import Unreadable, count, probe
from workers.media.run import must_have_converted
from workers.media.sandbox import GIB, Limits
from workers.media.sniff import NEEDED_BYTES, sniff
from workers.media.tools import Tools

SECRET = b"the canary sings"


def verdict(
    path: Path, tools: Tools, scratch: Path, *, kind: Kind = "video", longest_s: int = 600
) -> Refusal | str | None:
    """Judge a file as the worker does; a code of `Unreadable` or the refusal."""
    allowed = Allowed(kind, longest_s * 1000, 100 << 20)
    with path.open("rb") as file:
        sniffed = sniff(file.read(NEEDED_BYTES))
    if refusal := refuse_bytes(sniffed, size_bytes=path.stat().st_size, allowed=allowed):
        return refusal
    try:
        found = probe(path, tools=tools, scratch=scratch)
    except Unreadable as error:
        return error.code
    return refuse_streams(found, allowed) or refuse_extent(found, count(path, tools=tools, scratch=scratch), allowed)


def code(answer: Refusal | str | None) -> str | None:
    return answer.code if isinstance(answer, Refusal) else answer


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary.ts"
    path.write_bytes(SECRET)
    os.utime(path, ns=(0, 0))
    return path


@pytest.fixture
def hits() -> Iterator[list[bytes]]:
    """A server that notes every connection; its address is `hits.port`."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                seen.append(b"hit")
                connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Calls(seen, server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


class Calls(list[bytes]):
    def __init__(self, seen: list[bytes], port: int) -> None:
        super().__init__()
        self.seen, self.port = seen, port


PLAYLISTS = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
    "live hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}\n",
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><BaseURL>{target}'
    "</BaseURL></Period></MPD>",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\n"
    "c=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("playlist", PLAYLISTS)
@pytest.mark.parametrize("where", ["file", "http"])
def test_a_playlist_named_as_a_recording_opens_nothing(
    playlist: str, where: str, canary: Path, hits: "Calls", tools: Tools, tmp_path: Path
) -> None:
    target = str(canary) if where == "file" else f"http://127.0.0.1:{hits.port}/canary.ts"
    path = tmp_path / "upload.mp4"
    path.write_text(PLAYLISTS[playlist].format(target=target))
    assert code(verdict(path, tools, tmp_path)) == "not-media"
    with pytest.raises(Unreadable):  # the second wall: even if the first bytes had said nothing
        probe(path, tools=tools, scratch=tmp_path)
    assert hits.seen == []
    assert canary.stat().st_atime_ns == 0


@pytest.mark.parametrize("target", ["file", "http"])
def test_the_third_wall_holds_when_ffmpeg_follows_the_playlist(
    target: str, canary: Path, hits: "Calls", tools: Tools, tmp_path: Path
) -> None:
    address = str(canary) if target == "file" else f"http://127.0.0.1:{hits.port}/canary.ts"
    playlist, out = tmp_path / "list.m3u8", tmp_path / "out"
    playlist.write_text(PLAYLISTS["hls"].format(target=address))
    out.mkdir()
    command = [tools.binaries.ffmpeg, "-nostdin", "-protocol_whitelist", "file,http,tcp", "-i", playlist]
    limits = Limits(cpu_seconds=10, wall_seconds=10, memory_bytes=GIB, file_bytes=1 << 20)
    run = tools.sandbox.run(
        [*command, "-map", "0", "-c", "copy", "-f", "data", out / "stolen"],
        reads=[playlist],
        out_dir=out,
        limits=limits,
    )
    assert not run.ok
    assert hits.seen == []
    assert canary.stat().st_atime_ns == 0
    assert SECRET not in b"".join(path.read_bytes() for path in out.iterdir())


@pytest.mark.parametrize(
    ("content", "expected", "says"),
    [
        (b"", "empty", "is empty"),
        (b"Dear assessor, here is my video.\n" * 50, "not-media", "is a text"),
        (b"%PDF-1.7\n%more", "not-media", "is a PDF document"),
        (b"\xff\xd8\xff\xe0" + bytes(500), "not-media", "is a picture"),
        (os.urandom(4) * 1000, "not-media", "not a recording"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    content: bytes, expected: str, says: str, tools: Tools, tmp_path: Path
) -> None:
    path = tmp_path / "upload.mp4"
    path.write_bytes(content)
    answer = verdict(path, tools, tmp_path)
    assert isinstance(answer, Refusal)
    assert answer.code == expected
    assert says in str(answer)


def test_a_zip_archive_is_no_recording(tools: Tools, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.mp4", b"x")
    path = tmp_path / "upload"
    path.write_bytes(packed.getvalue())
    assert code(verdict(path, tools, tmp_path)) == "not-media"


def test_a_recording_cut_short_is_found_out(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(good_mp4.read_bytes()[: good_mp4.stat().st_size * 6 // 10])
    answer = verdict(path, tools, tmp_path)
    assert isinstance(answer, Refusal)
    assert answer.code == "truncated"
    assert "4 s long" in str(answer)


def test_a_recording_without_its_index_is_unreadable(make: Make, tools: Tools, tmp_path: Path) -> None:
    whole = make(form="mp4").read_bytes()  # the index stands at the end
    path = tmp_path / "upload"
    path.write_bytes(whole[: len(whole) // 2])
    assert code(verdict(path, tools, tmp_path)) == "not-media"


def wav(*, rate_hz: int, channels: int, data: bytes) -> bytes:
    width = 2 * channels
    form = b"fmt " + (16).to_bytes(4, "little") + (1).to_bytes(2, "little") + channels.to_bytes(2, "little")
    form += rate_hz.to_bytes(4, "little") + (rate_hz * width).to_bytes(4, "little") + width.to_bytes(2, "little")
    form += (16).to_bytes(2, "little") + b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + (4 + len(form)).to_bytes(4, "little") + b"WAVE" + form


def test_one_sample_a_second_does_not_become_a_day_of_sound(tools: Tools, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(wav(rate_hz=1, channels=1, data=bytes(100_000)))
    assert code(verdict(path, tools, tmp_path, kind="audio")) == "odd-sound"


def test_a_picture_as_wide_as_a_street_is_refused(make: Make, tools: Tools, tmp_path: Path) -> None:
    wide = make("-c:v", "mpeg4", form="avi", size="4096x16", seconds=0.5, sound=False)
    assert code(verdict(wide, tools, tmp_path)) == "odd-shape"


def test_a_huge_picture_is_refused(make: Make, tools: Tools, tmp_path: Path) -> None:
    huge = make("-c:v", "mpeg4", form="avi", size="4200x2400", rate="2", seconds=1, sound=False)
    assert code(verdict(huge, tools, tmp_path)) == "too-many-pixels"


def test_mutated_recordings_never_kill_or_hang_the_tool(good_mp4: Path, tools: Tools, tmp_path: Path) -> None:
    whole = bytearray(good_mp4.read_bytes())
    for seed in range(6):
        path = tmp_path / f"mutated{seed}"
        changed = bytearray(whole)
        for place in range(40 + seed, len(changed), 997 + 131 * seed):
            changed[place] ^= 1 << seed
        path.write_bytes(changed)
        answer = verdict(path, tools, tmp_path)
        assert code(answer) in {None, "not-media", "damaged", "truncated", "unknown-codec", "too-short", "no-picture"}


def test_a_full_disk_is_not_the_candidates_fault(tools: Tools, good_mp4: Path, tmp_path: Path) -> None:
    limits = Limits(cpu_seconds=10, wall_seconds=10, file_bytes=1000)
    command = [tools.binaries.ffmpeg, "-nostdin", "-i", good_mp4, "-c", "copy", "-f", "mpegts", tmp_path / "x"]
    run = tools.sandbox.run(command, reads=[good_mp4], out_dir=tmp_path, limits=limits)
    with pytest.raises(Exception, match=r"media tool ended|disk"):
        must_have_converted(run)
