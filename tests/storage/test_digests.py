"""What workers store for each other is compared when it is read again."""

from pathlib import Path

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
