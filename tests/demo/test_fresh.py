"""`--fresh` clears a demonstration's folder, and never another one."""

from pathlib import Path

import pytest

from app.cli.demo import mark, start_afresh
from app.errors import Conflict
from app.supervisor import folder


def test_a_folder_with_other_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "assay.sqlite3").write_text("real work")
    mark(tmp_path)
    with pytest.raises(Conflict, match="left alone"):
        start_afresh(tmp_path)
    assert (tmp_path / "assay.sqlite3").exists()


def test_what_a_demonstration_left_is_removed(tmp_path: Path) -> None:
    mark(tmp_path)
    (tmp_path / "storage").mkdir()
    (tmp_path / "assay.sqlite3").touch()
    start_afresh(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"supervisor.lock"}


def test_a_running_demonstration_is_not_cleared(tmp_path: Path) -> None:
    mark(tmp_path)
    with folder.lock(tmp_path), pytest.raises(Conflict, match="already runs"):
        start_afresh(tmp_path)
