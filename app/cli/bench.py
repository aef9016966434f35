"""`assay bench`: ratios, measured side by side in one run on this machine. Never a test: a busy machine is no bug."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli.bench_jobs import measure
from app.cli.bench_speech import lines, measure_speech
from app.cli.output import AsJson, show
from app.settings import load_settings

bench = typer.Typer(no_args_is_help=True, help="Measure this machine. Nothing of the installation is changed.")


@bench.command("jobs")
def jobs(
    count: Annotated[int, typer.Option("--jobs", min=10, help="Jobs of one worker in a round.")] = 100,
    job_ms: Annotated[float, typer.Option(min=1, help="Processor time of a job, in milliseconds.")] = 75,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Two workers on a core each against one, and how soon a small job is done. PostgreSQL only.

    Works in a database of its own on the server of ASSAY_DATABASE_URL, which it drops again.

    Example: ASSAY_DATABASE_URL=postgresql+psycopg://assay@db/assay assay bench jobs --json
    """
    found = measure(load_settings().database, jobs=count, job_ms=job_ms, rounds=rounds)
    if as_json:
        show(asdict(found), as_json=True)
        return
    print(f"one worker: {found.one} jobs a second of {found.job_ms:g} ms; two: {found.two}")
    print(f"ratio {found.ratio:.2f} (1.8 is the aim)")
    print(f"a small job on an idle worker: {found.small_job_ms} ms (median), {found.small_job_p95_ms} ms (95 %)")


@bench.command("speech")
def speech(
    samples: Annotated[Path | None, typer.Option(help="Folder with clips and transcripts.json; default: ours.")] = None,
    repeat: Annotated[int, typer.Option(min=1, help="How often the clips are joined one after the other.")] = 4,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, sides in turn; the median counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Transcription of joined samples against the call of the plain `whisper` command, and against faster-whisper.

    The clips are loud and quiet speakers in turn. WER is measured as Whisper's own normaliser writes words.

    Example: assay bench speech --repeat 4 --rounds 3
    """
    found = measure_speech(samples, repeat=repeat, rounds=rounds)
    if as_json:
        show(found, as_json=True)
        return
    for line in lines(found):
        print(line)
