"""Plays the demonstration against the running site: first all evidence goes through the pipeline, then the story."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from app.demo.api import Api
from app.demo.cast import ACTS, LEAD, VALIDATOR, Act, End
from app.demo.judging import Judges
from app.demo.progress import Board, board
from app.demo.recordings import make
from app.demo.sending import POLL_SECONDS, Interrupted, Sender
from app.demo.stage import Stage, build
from app.errors import Unavailable
from app.settings import Settings
from app.supervisor.plan import child_environment, python

CREDENTIAL_SECONDS = 120
TOOL_SECONDS = 120


def play(
    settings: Settings, *, console: Console, stopping: Callable[[], bool], when_played: Callable[[Stage], None]
) -> None:
    """Play what has not been played yet; `when_played` is called when only transcripts are still being written.

    Raises Interrupted when asked to stop, Unavailable when a part is down.
    """
    stage = build(settings)
    files = _recordings(settings, console)
    with board(console) as shown:
        senders = [_sender(settings, stage, act, shown, stopping) for act in ACTS]
        for sender in senders:
            sender.send(files.get(sender.act.recording.name) if sender.act.recording else None)
        for step in (Sender.submit, Sender.wait_until_ready):
            for sender in senders:
                step(sender)
        for sender in senders:
            _judge(settings, stage, sender, shown)
    when_played(stage)
    with board(console) as shown:
        senders = [_sender(settings, stage, act, shown, stopping) for act in ACTS if act.recording]
        missing = [sender.title for sender in senders if not sender.wait_for_transcript()]
    if missing:
        raise Unavailable(f"no transcript could be written for {'; '.join(missing)}. logs/worker.log says why.")


def _sender(settings: Settings, stage: Stage, act: Act, shown: Board, stopping: Callable[[], bool]) -> Sender:
    name = act.candidate.partition("@")[0].replace(".", " ").title()
    kind = act.recording.kind if act.recording else "text"
    title = f"{name}: {kind}, {'Arabic' if act.language == 'ar' else 'English'}"
    return Sender(_api(settings, stage, act.candidate), act, title, shown, stopping)


def _api(settings: Settings, stage: Stage, email: str) -> Api:
    return Api(settings.base_url, stage.tokens[email])


def _recordings(settings: Settings, console: Console) -> dict[str, Path]:
    """Make the recordings of all acts; a second start finds them."""
    folder = settings.data_dir.absolute() / "demo-recordings"
    wanted = [act.recording for act in ACTS if act.recording]
    if all((folder / each.name).exists() for each in wanted):
        return {each.name: folder / each.name for each in wanted}
    ffmpeg = _ffmpeg(settings)
    console.print("Making recordings from the sample voices", highlight=False)
    return {each.name: make(each, ffmpeg=ffmpeg, folder=folder) for each in wanted}


def _ffmpeg(settings: Settings) -> Path:
    """Ask the worker's side which ffmpeg it uses; the site's side never imports it."""
    done = subprocess.run(
        python("workers.doctor", "--json", "--only", "media"),
        env=child_environment(settings),
        capture_output=True,
        text=True,
        timeout=TOOL_SECONDS,
        check=False,
    )
    try:
        return Path(json.loads(done.stdout)["ffmpeg"])
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"No ffmpeg was found for the demonstration. {done.stderr.strip()[-300:]}") from error


def _judge(settings: Settings, stage: Stage, sender: Sender, shown: Board) -> None:
    """Play the judges' part of one act up to where its story ends."""
    act = sender.act
    if act.end is End.WAITS or act.judgement is None:
        return
    judges = Judges(
        _api(settings, stage, act.judgement.assessor),
        _api(settings, stage, LEAD),
        _api(settings, stage, VALIDATOR),
    )
    submission = sender.submission()
    if submission["state"] in {"ready", "in-assessment"}:
        outcome = judges.assess(submission["id"], act.judgement)
        shown.say(f"{sender.title}: assessed, {outcome}")
    if act.end is End.VALIDATION and not _is_last_of_lot(act):
        return
    judges.close_lot(submission["id"])
    if act.end is End.CREDENTIAL:
        judges.validate(submission["id"], act.judgement)
        credential = _wait_for_credential(sender)
        shown.say(f"{sender.title}: credential issued: /credentials/{credential['id']}")


def _is_last_of_lot(act: Act) -> bool:
    """Say whether this is the last act of its assessor and rubric, so that the lot may be closed."""
    same = [each for each in ACTS if each.judgement and act.judgement and each.rubric == act.rubric]
    return same[-1] is act


def _wait_for_credential(sender: Sender) -> dict[str, Any]:
    """Return the credential once it is signed; one that was revoked since an earlier start counts too."""
    limit = time.monotonic() + CREDENTIAL_SECONDS
    while time.monotonic() < limit:
        for each in sender.api.get("/credentials")["items"]:
            if each["state"] != "pending":
                return dict(each)
        if sender.stopping():
            raise Interrupted
        time.sleep(POLL_SECONDS)
    raise Unavailable("The credential was not signed in time. `assay doctor` says what is missing.")
