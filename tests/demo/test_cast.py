"""What the demonstration sends and how it is judged fits the rubrics that it imports."""

import json
from pathlib import Path

import pytest

from app.demo.cast import ACTS, CAST, Act, End
from app.demo.recordings import SAMPLES
from app.demo.sending import WORDS
from app.frameworks.exchange import read_file
from app.frameworks.rubric import Rubric

CONTENT = json.loads((Path(WORDS).parent / "demo-frameworks.json").read_text(encoding="utf-8"))
RUBRICS = {rubric.id: rubric for rubric in read_file(CONTENT).rubrics}


def rubric_of(act: Act) -> Rubric:
    return RUBRICS[act.rubric]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.candidate} {act.rubric}")
def test_the_evidence_is_long_enough_for_its_rubric(act: Act) -> None:
    asked = rubric_of(act).evidence
    if act.recording is not None:
        assert act.recording.kind in asked.kinds
        assert asked.min_seconds is not None
        assert asked.max_seconds is not None
        assert asked.min_seconds < act.recording.seconds < asked.max_seconds
        assert all((SAMPLES / clip).exists() for clip in act.recording.clips)
    else:
        words = len((WORDS / str(act.text)).read_text(encoding="utf-8").split())
        assert asked.min_words is not None
        assert asked.max_words is not None
        assert asked.min_words <= words <= asked.max_words


@pytest.mark.parametrize("act", [act for act in ACTS if act.judgement], ids=lambda act: act.candidate)
def test_every_criterion_is_judged_on_the_scale(act: Act) -> None:
    assert act.judgement is not None
    assert set(act.judgement.levels) == {each.code for each in rubric_of(act).criteria}
    assert all(level in range(len(rubric_of(act).scale)) for level, _note in act.judgement.levels.values())


def test_nobody_has_two_parts_and_one_submission_for_each_rubric() -> None:
    assert len({(act.candidate, act.rubric) for act in ACTS}) == len(ACTS)
    assert all(act.judgement is None or act.judgement.assessor != act.candidate for act in ACTS)


def test_each_role_has_a_link_and_each_stage_an_example() -> None:
    assert {role for member in CAST if member.shown for role in member.roles} == {
        role for member in CAST for role in member.roles
    }
    assert {act.end for act in ACTS} == set(End)


def test_each_sample_has_its_licence() -> None:
    told = (SAMPLES / "LICENCES.md").read_text(encoding="utf-8")
    used = {clip for act in ACTS if act.recording for clip in act.recording.clips}
    assert all(clip.removesuffix(".flac") in told for clip in used)
