"""`assay bench`: ratios, measured side by side in one run on this machine. Never a test: a busy machine is no bug."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from app.cli import bench_jobs, bench_media, bench_pipeline, bench_speech, bench_upload
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
    found = bench_jobs.measure(load_settings().database, jobs=count, job_ms=job_ms, rounds=rounds)
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
    found = bench_speech.measure_speech(samples, repeat=repeat, rounds=rounds)
    if as_json:
        show(found, as_json=True)
        return
    for line in bench_speech.lines(found):
        print(line)


@bench.command("media")
def media(
    seconds: Annotated[int, typer.Option(min=5, max=600, help="Length of the recording that is made.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 1,
    recording: Annotated[Path | None, typer.Option(help="Measure this video instead of making one.")] = None,
    as_json: AsJson = False,
) -> None:
    """What inspecting and converting a video costs, against the plain calls of ffmpeg that give the same files.

    Works in an installation of its own in the folder for temporary files. Speech is measured by `bench speech`.

    Example: assay bench media --seconds 300 --json
    """
    found = bench_media.measure(seconds=seconds, rounds=rounds, talk=recording)
    if as_json:
        show(asdict(found), as_json=True)
        return
    print(f"pipeline: {found.pipeline.cpu_s} s of processor, playable after {found.pipeline.wall_s} s")
    print(f"plain calls of ffmpeg: {found.by_hand.cpu_s} s of processor, {found.by_hand.wall_s} s on the clock")
    print(f"ratio {found.ratio:.3f} (at most 1.05 is the aim)")


@bench.command("pipeline")
def pipeline(
    seconds: Annotated[int, typer.Option(min=5, max=600, help="Length of the recording that is made.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 1,
    as_json: AsJson = False,
) -> None:
    """From a complete upload to a playable video and every word, against the plain calls one after the other.

    Works in an installation of its own in the folder for temporary files, with the transcriber and model of the
    settings.

    Example: assay bench pipeline --seconds 300 --json
    """
    found = bench_pipeline.measure(seconds=seconds, rounds=rounds)
    if as_json:
        show(asdict(found), as_json=True)
        return
    ours, plain, same = found.pipeline, found.in_sequence, found.same_settings
    print(f"pipeline: playable, with all its words, after {ours.wall_s} s; {ours.cpu_s} s of processor")
    print(f"ffmpeg, then whisper: {plain.wall_s} s; {plain.cpu_s} s of processor")
    print(f"ffmpeg, then openai-whisper with our settings: {same.wall_s} s; {same.cpu_s} s of processor")
    print(f"ratio on the clock {found.wall_ratio:.3f} (at most 0.5 is the aim)")
    print(f"ratio of processor, same settings {found.cpu_ratio:.3f} (at most 1.05 is the aim)")


@bench.command("upload")
def upload(
    size_mib: Annotated[int, typer.Option("--mib", min=16, help="Size of the file.")] = 1024,
    at_once: Annotated[int, typer.Option(min=1, max=16, help="Parts at a time.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the median counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Our signed parts against boto3's own transfer, and what the site has to do with it.

    Starts a site and a storage of its own in the machine's temporary folder, which it removes again.

    Example: assay bench upload --mib 1024 --json
    """
    found = bench_upload.measure(size_bytes=size_mib * bench_upload.MIB, at_once=at_once, rounds=rounds)
    if as_json:
        show(asdict(found), as_json=True)
        return
    print(f"ours: {found.ours_seconds} s, boto3: {found.boto3_seconds} s ({size_mib} MiB, {at_once} parts at a time)")
    print(f"ratio {found.ratio:.2f} (1.0 or less is the aim)")
    print(f"memory of the site: {found.site_idle_kib} KiB before, {found.site_peak_kib} KiB at most meanwhile")
    print(f"through the site: {found.through_site_bytes} bytes an upload (calls and their answers)")
