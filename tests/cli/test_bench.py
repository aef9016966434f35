"""The benchmarks run and say what they should; what they find is no matter of a test."""

import pytest

from app.cli.bench_upload import MIB, measure


@pytest.mark.journey
def test_uploads_are_measured_and_pass_the_site_by():
    found = measure(size_bytes=20 * MIB, at_once=3, rounds=1)
    assert found.part_size_bytes == 8 * MIB
    assert found.ours_seconds > 0
    assert found.boto3_seconds > 0
    assert found.through_site_bytes < 20_000
