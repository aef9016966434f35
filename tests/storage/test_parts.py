"""Parts of an upload that are sent more than once, as after a reload in the middle of one."""

from datetime import timedelta
from uuid import uuid4

import urllib3

from app.storage.client import Storage

MIB = 1024**2


def send(storage: Storage, key: str, upload_id: str, number: int, content: bytes) -> None:
    signed = storage.sign_part(
        key, upload_id=upload_id, number=number, size_bytes=len(content), life=timedelta(minutes=5)
    )
    assert urllib3.request("PUT", signed.url, body=content, headers=signed.headers).status == 200


def test_a_part_that_is_sent_again_counts_once(stored: Storage) -> None:
    first, last = b"a" * 5 * MIB, b"end"
    key = f"parts/again-{uuid4()}"  # the storage is the same for both databases, and joins nothing over an object
    upload_id = stored.create_upload(key, media_type="audio/wav")
    for number, content in ((1, first), (2, last), (1, first)):
        send(stored, key, upload_id, number, content)
    parts = stored.list_parts(key, upload_id=upload_id)
    assert [(part.number, part.size_bytes) for part in parts] == [(1, len(first)), (2, len(last))]
    stored.complete_upload(key, upload_id=upload_id, parts=parts)
    found = stored.head(key)
    assert found is not None
    assert found.size_bytes == len(first) + len(last)
