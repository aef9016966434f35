"""What only the worker's side can check: ffmpeg, its sandbox, virus scanner, speech model. `assay doctor` runs it.

`python -m workers.doctor --json` prints `{"checks": [...], "ffmpeg": PATH}`; `--only media` leaves the model out,
which needs seconds and a gigabyte.
"""

import argparse
import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from app.errors import AssayError
from app.settings import Settings, load_settings
from workers.clamd import Clamd, eicar
from workers.media.binaries import Binaries, find_binaries
from workers.media.sandbox import open_sandbox

# Words wrong on read speech of several speakers, measured with `assay bench speech`; Arabic on two short clips only.
HOW_GOOD = {
    "base": "English: good (5 to 8 of 100 words wrong); Arabic: a draft (one word in three); others: not measured.",
    "tiny.en": "English: fair; no other language.",
}
NOT_MEASURED = "How good it is for each language was not measured here."
ADVICE = {"base": "Larger models read Arabic better: `assay model add small` and ASSAY_WHISPER_MODEL=small."}


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `state` is ok, warn or fail; `advice` says what to do."""

    name: str
    state: str
    detail: str
    advice: str = ""


def binaries(settings: Settings) -> Binaries:
    """Return the ffmpeg and ffprobe that jobs use. Raises Unavailable."""
    return find_binaries(
        ffmpeg=Path(settings.ffmpeg) if settings.ffmpeg else None,
        ffprobe=Path(settings.ffprobe) if settings.ffprobe else None,
        cache=settings.data_dir.absolute() / "tools",  # where the worker keeps them too
    )


def check_ffmpeg(settings: Settings) -> Check:
    """Say which ffmpeg is used."""
    found = binaries(settings)
    said = f"{found.version} ({found.source}: {found.ffmpeg})"
    if found.cannot_read:
        gaps = ", ".join(sorted(found.cannot_read)).upper()
        can = "Debian's ffmpeg can, and that of: pip install 'assay-platform[av1]'."
        return Check("ffmpeg", "warn", said, f"It can't read {gaps}: such uploads are refused. {can}")
    return Check("ffmpeg", "ok", said)


def check_sandbox(settings: Settings) -> Check:
    """Say how media tools are confined, after the sandbox's own self-test."""
    sandbox = open_sandbox(settings.sandbox)
    if sandbox.refusal:
        return Check("sandbox", "fail", "media jobs are refused here", sandbox.refusal)
    if settings.sandbox == "off":
        return Check("sandbox", "warn", "off", "Recordings of strangers are decoded unconfined: use it for tests only.")
    return Check("sandbox", "ok", f"{sandbox.confinement} works")


def check_scanner(settings: Settings) -> Check:
    """Say whether files are scanned for viruses, after a trial with the file that every scanner must find."""
    name = "virus scanner"
    if not settings.clamd_socket:
        advice = "Files are taken unscanned, and reviewers are told. Run clamd and set ASSAY_CLAMD_SOCKET."
        return Check(name, "warn", "not set", advice)
    clamd = Clamd(settings.clamd_socket)
    version = clamd.version()
    if clamd.scan(io.BytesIO(b"clean")) is not None or clamd.scan(io.BytesIO(eicar())) is None:
        return Check(name, "fail", f"{version} does not find the test file", "Let freshclam fetch the signatures.")
    return Check(name, "ok", f"{version} finds the test file")


def check_speech(settings: Settings) -> Check:
    """Say which transcriber and model are used, and how good that is; nothing is downloaded by looking."""
    from workers.speech.engines import NotInstalled, find_model  # noqa: PLC0415  # torch: seconds and a gigabyte
    from workers.speech.weights import NoDevice, NoWeights, device_for  # noqa: PLC0415

    try:
        device = device_for(settings.speech_device)
        found = find_model(settings.transcriber, settings.whisper_model, folder=settings.model_dir, download=False)
    except NoDevice as error:
        return Check("speech model", "fail", str(error), "Install torch with CUDA, or set ASSAY_SPEECH_DEVICE=auto.")
    except NotInstalled as error:
        return Check("speech model", "fail", f"ASSAY_TRANSCRIBER is {settings.transcriber}", str(error))
    except NoWeights as error:
        return Check("speech model", "fail", str(error), f"Run `assay model add {settings.whisper_model}`.")
    detail = f"{settings.transcriber} with {found.name} on {device}, {found.source} ({found.path})"
    return Check(
        "speech model", "ok", f"{detail}. {HOW_GOOD.get(found.name, NOT_MEASURED)}", ADVICE.get(found.name, "")
    )


CHECKS = {
    "ffmpeg": check_ffmpeg,
    "sandbox": check_sandbox,
    "virus scanner": check_scanner,
    "speech model": check_speech,
}


def examine(settings: Settings, *, names: list[str]) -> Iterator[Check]:
    """Make these checks one after the other; a refusal is a failed check."""
    for name in names:
        try:
            yield CHECKS[name](settings)
        except AssayError as error:
            yield Check(name, "fail", str(error), str(error))


def main() -> int:
    """Print the checks. Exit status 1 when one failed."""
    parser = argparse.ArgumentParser(description="Check what workers need.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", action="store_true", help="one JSON line for each check, as soon as it is known")
    parser.add_argument("--only", choices=["media"], help="leave the speech model out")
    asked = parser.parse_args()
    settings = load_settings()
    found = examine(settings, names=["ffmpeg", "sandbox"] if asked.only else list(CHECKS))
    if asked.lines:
        return _lines(found)
    checks = list(found)
    if asked.json:
        ffmpeg = str(binaries(settings).ffmpeg) if checks[0].state != "fail" else None
        sys.stdout.write(json.dumps({"checks": [asdict(check) for check in checks], "ffmpeg": ffmpeg}) + "\n")
    else:
        for check in checks:
            sys.stdout.write(f"{check.state:<5} {check.name}: {check.detail} {check.advice}".rstrip() + "\n")
    return 1 if any(check.state == "fail" for check in checks) else 0


def _lines(found: Iterable[Check]) -> int:
    bad = False
    for check in found:
        print(json.dumps(asdict(check)), flush=True)  # noqa: T201  # for the program that asked
        bad = bad or check.state == "fail"
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
