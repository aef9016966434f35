"""Which tools are used, and what is said when none is."""

import shutil
from pathlib import Path

import pytest

from app.errors import Unavailable
from workers.media.binaries import EXTRA, _runnable, find_binaries
from workers.media.tools import Tools


def test_a_pair_that_works_is_found(tools: Tools, tmp_path: Path) -> None:
    found = find_binaries(cache=tmp_path)
    assert found.source in {"system", "package"}
    assert found.version


def test_paths_from_the_settings_come_first(tools: Tools, tmp_path: Path) -> None:
    linked = tmp_path / "ffmpeg", tmp_path / "ffprobe"
    linked[0].symlink_to(tools.binaries.ffmpeg)
    linked[1].symlink_to(tools.binaries.ffprobe)
    found = find_binaries(ffmpeg=linked[0], cache=tmp_path)
    assert (found.ffmpeg, found.ffprobe, found.source) == (*linked, "settings")


def test_a_path_that_does_not_work_is_an_error_not_a_reason_to_guess(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="can't be started"):
        find_binaries(ffmpeg=tmp_path / "nothing", cache=tmp_path)
    with pytest.raises(Unavailable, match="ASSAY_FFMPEG"):
        find_binaries(ffmpeg=Path("/bin/true"), cache=tmp_path)


def test_a_binary_that_lost_its_executable_bit_is_copied(tmp_path: Path) -> None:
    plain = tmp_path / "tool"
    shutil.copyfile("/bin/true", plain)
    plain.chmod(0o644)
    copy = _runnable(plain, tmp_path / "cache")
    assert copy.stat().st_mode & 0o111
    assert _runnable(plain, tmp_path / "cache") == copy
    assert copy.read_bytes() == plain.read_bytes()


def test_an_ffmpeg_with_more_decoders_is_preferred_where_it_is_installed_and_works(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")  # none of the system
    usual = find_binaries(cache=tmp_path)
    extra = tmp_path / "site" / EXTRA / "binaries" / "ffmpeg-of-the-extra"
    extra.parent.mkdir(parents=True)
    (extra.parents[1] / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    extra.symlink_to("/bin/false")
    assert find_binaries(cache=tmp_path) == usual
    extra.unlink()
    extra.symlink_to(usual.ffmpeg)
    found = find_binaries(cache=tmp_path)
    assert (found.ffmpeg, found.ffprobe) == (extra, usual.ffprobe)


def test_an_ffmpeg_that_lacks_a_filter_is_named_as_unusable_before_it_takes_a_recording_for_damaged(
    tools: Tools, tmp_path: Path
) -> None:
    poor = tmp_path / "ffmpeg"
    poor.write_text(f'#!/bin/sh\n"{tools.binaries.ffmpeg}" "$@" | grep -v " bwdif "\n')
    poor.chmod(0o755)
    with pytest.raises(Unavailable, match="built without bwdif"):
        find_binaries(ffmpeg=poor, ffprobe=tools.binaries.ffprobe, cache=tmp_path)
