"""Looking at finished files."""

import json
import subprocess
from pathlib import Path


def seconds_of(file: Path, *, ffprobe: Path) -> tuple[float, list[str]]:
    """Return the length in seconds and the sorted kinds of streams."""
    asked = [str(ffprobe), "-v", "error", "-show_entries", "format=duration:stream=codec_type", "-of", "json"]
    found = json.loads(subprocess.run([*asked, str(file)], capture_output=True, check=True).stdout)
    return float(found["format"]["duration"]), sorted(each["codec_type"] for each in found["streams"])
