"""What a person is told when scores are sent too early."""

from uuid import UUID

import pytest

from app.assessments.completeness import SentJudgement, SentMoment, SentScore, what_is_missing
from app.assessments.rules import Vacs
from tests.assessments.test_rules import ALL_YES, DEMO, rubric_rules

TELLER = rubric_rules(DEMO["rubrics"][0])
CALL, LETTER, FOREIGN = UUID(int=1), UUID(int=2), UUID(int=3)
DURATIONS = {CALL: 60_000, LETTER: None}
CODES = [each.code for each in TELLER.criteria]


A_MOMENT = SentMoment(CALL, 1000, 2000)


def a_score(code, level=2, *, note="", moments=(A_MOMENT,)):
    return SentScore(criterion=code, level=level, note=note, moments=tuple(moments))


def fields(*scores, vacs=ALL_YES, message="Well done."):
    sent = SentJudgement(scores=scores, vacs=vacs, message=message)
    return [error.field for error in what_is_missing(TELLER, sent, durations=DURATIONS)]


def complete(**changed):
    return [changed.get(code) or a_score(code) for code in CODES]


def test_a_complete_judgement_lacks_nothing():
    assert fields(*complete()) == []


def test_every_criterion_without_a_level_is_named():
    assert fields(a_score("ID")) == [f"scores.{code}" for code in CODES if code != "ID"]


@pytest.mark.parametrize(
    ("score", "field"),
    [
        (a_score("ID", level=4), "scores.ID.level"),
        (a_score("ID", level=-1), "scores.ID.level"),
        (a_score("ID", moments=(), note="  "), "scores.ID"),
        (a_score("ID", moments=[SentMoment(FOREIGN, 0, 1)]), "scores.ID.moments.0.evidence_id"),
        (a_score("ID", moments=[SentMoment(CALL, 5, 5)]), "scores.ID.moments.0"),
        (a_score("ID", moments=[SentMoment(CALL, 59_000, 60_001)]), "scores.ID.moments.0"),
    ],
)
def test_a_wrong_score_is_named(score, field):
    assert fields(*complete(ID=score)) == [field]


@pytest.mark.parametrize(
    "score",
    [
        a_score("ID", moments=(), note="Two questions asked at the start."),
        a_score("ID", level=1, moments=()),
        a_score("CL", level=0, moments=()),
        a_score("ID", moments=[SentMoment(LETTER, 10, 99_999_999)]),
        a_score("ID", moments=[SentMoment(CALL, 0, 60_000)]),
    ],
)
def test_proof_is_a_moment_or_a_note_and_only_for_a_met_level(score):
    assert fields(*complete(**{score.criterion: score})) == []


def test_a_criterion_scored_twice_and_an_unknown_one_are_named():
    assert fields(*complete(), a_score("ID")) == ["scores.ID"]
    assert fields(*complete(), a_score("ZZ")) == ["scores.ZZ"]


def test_work_sent_back_needs_a_message_but_no_scores():
    not_sufficient = Vacs(valid=True, authentic=True, current=True, sufficient=False)
    assert fields(vacs=not_sufficient, message=" ") == ["message"]
    assert fields(vacs=not_sufficient, message="Record the second call as well.") == []


def test_a_not_yet_needs_a_message_and_a_pass_does_not():
    assert fields(*complete(ID=a_score("ID", level=1)), message="") == ["message"]
    assert fields(*complete(), message="") == []


def test_blind_scores_need_no_message():
    assert fields(*complete(ID=a_score("ID", level=1)), message=None) == []
