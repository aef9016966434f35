"""What workers store for each other is compared when it is read again."""

from pathlib import Path

import pytest

from app.errors import Unavailable
from app.settings import Settings
from app.storage.client import Storage


def test_what_was_changed_since_a_worker_stored_it_is_noticed(stored: Storage, tmp_path: Path) -> None:
    piece, read = tmp_path / "piece", tmp_path / "read"
    piece.write_bytes(b"one minute of video")
    stored.put_file("e/t/pieces/0001.ts", piece, media_type="video/mp2t", with_digest=True)
    assert stored.download_own("e/t/pieces/0001.ts", read)
    assert read.read_bytes() == piece.read_bytes()
    stored.put_bytes("e/t/pieces/0001.ts", b"another minute of it", media_type="video/mp2t")
    assert not stored.download_own("e/t/pieces/0001.ts", read)
    stored.delete("e/t/pieces/0001.ts")


def test_a_bucket_of_another_name_makes_work_wait_and_loses_no_object(stored: Storage, settings: Settings) -> None:
    """A worker with a wrong name must not take every recording for damaged."""
    storage = Storage(settings.model_copy(update={"s3_bucket": "none-such"}))
    for act in (lambda: storage.digest("e/x"), lambda: storage.keys("e/")):
        with pytest.raises(Unavailable, match="no such bucket"):
            act()
