"""From a released judgement to a credential: once, whatever dies in between, and only when rule 6 holds."""

import json
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlmodel import func, select

from app.accounts.models import Person
from app.actor import Role
from app.audit.models import AuditEvent
from app.audit.service import verify as verify_audit
from app.credentials import jobs, service, standing
from app.credentials.keyring import issuer_signer
from app.credentials.models import Credential, Endorsement, SigningKey, StatusList
from app.credentials.rules import Act
from app.credentials.states import CredentialState
from app.db.engine import reading, writing
from app.errors import AssayError, Conflict, NotFound
from app.evidence.models import Evidence, Submission, SubmissionConsent
from app.evidence.states import Identity, Purpose, SubmissionState
from app.frameworks.models import RubricVersion
from app.home.investigating import verify_again
from app.jobs import embedded
from app.jobs.catalog import ISSUE
from app.jobs.engine import Work, execute
from app.jobs.models import Job, JobState, Queue
from app.storage.client import Storage
from tests.conftest import NOW
from tests.races import at_once
from tests.validation.stories import BAD, GOOD, NO_PROBATION


def counted(story, table):
    with reading(story.engine) as session:
        return session.exec(select(func.count()).select_from(table)).one()


def issue(story, submission_id, **how):
    return jobs.issue(story.engine, story.settings, submission_id=submission_id, now=NOW, **how)


def test_released_judgement_becomes_a_signed_credential(story):
    credential = story.issued(GOOD | {"ID": 3})
    assert credential.state is CredentialState.ACTIVE
    said = json.loads(credential.document)
    assert said["issuer"]["id"].startswith("did:key:z6Mk")
    assert said["id"] == f"http://testserver/credentials/{credential.id}"
    assert said["credentialSubject"]["achievement"]["name"] == "Customer Service Call"
    reached = [one["achievedLevel"].rsplit("/", 2)[1:] for one in said["credentialSubject"]["result"]]
    assert reached == [["ID", "3"], ["LI", "2"], ["AC", "2"], ["EM", "2"], ["NX", "2"], ["CL", "2"]]
    assert said["credentialStatus"]["statusListIndex"] == str(credential.status_index)
    assert credential.valid_until == NOW.replace(year=2028)
    assert "lot of 1, 1 validated independently" in said["credentialSubject"]["narrative"]
    with reading(story.engine) as session:
        assert verify_audit(session).ok
        assert session.exec(select(AuditEvent).where(AuditEvent.action == "credential.issued")).one()


def test_upheld_sample_is_endorsed_and_an_unsampled_judgement_is_not(story):
    story.house.plan(**NO_PROBATION)
    ids = story.released(*[GOOD] * 9)
    story.work()
    said = [json.loads(story.credential(one).document) for one in ids]
    endorsed = [one for one in said if "endorsement" in one]
    assert len(endorsed) == 3 == counted(story, Endorsement)
    for one in endorsed:
        assert one["endorsement"][0]["credentialSubject"]["id"] == one["id"]
    assert all("lot of 9, 3 validated" in one["credentialSubject"]["narrative"] for one in said)
    assert sum("was upheld" in one["credentialSubject"]["narrative"] for one in said) == 3
    validators = {one["endorsement"][0]["issuer"]["id"] for one in endorsed}
    assert len(validators) == 1
    assert story.house.validator.name not in json.dumps(said)
    assert story.house.assessor.name not in json.dumps(said)


def test_issuing_twice_issues_once(story):
    submission_id = story.released()[0]
    assert issue(story, submission_id) is not None
    first = story.credential(submission_id)
    assert issue(story, submission_id) is None
    assert story.credential(submission_id) == first
    assert counted(story, Credential) == 1


def test_death_between_reserving_and_sealing_leads_to_the_same_credential(story):
    """The first run dies after each of its steps; the second one goes on with the same id and place."""
    submission_id = story.released()[0]

    class Killed(Exception):
        pass

    def dies():
        raise Killed

    with pytest.raises(Killed):
        issue(story, submission_id, finishing=dies)
    pending = story.credential(submission_id)
    assert pending.state is CredentialState.PENDING
    assert pending.document is None
    assert story.client.get(f"/credentials/{pending.id}.json").status_code == 404
    assert issue(story, submission_id) == pending.id
    sealed = story.credential(submission_id)
    assert (sealed.status_index, sealed.salt) == (pending.status_index, pending.salt)
    assert sealed.state is CredentialState.ACTIVE
    assert counted(story, Endorsement) == 1


def test_two_runs_at_once_seal_one_of_their_signatures(story):
    submission_id = story.released()[0]
    signer = issuer_signer(story.settings, code=story.house.organisation.code)
    with writing(story.engine) as session:
        pending = service.reserve(session, submission_id=submission_id, signer=signer, now=NOW)
    assert issue(story, submission_id) == pending.id
    first = story.credential(submission_id)
    with reading(story.engine) as session:
        found = service.prepare(session, credential_id=pending.id, signer=signer)
    validators = {
        one.pseudonym: jobs.validator_signer(story.settings.keys, pseudonym=one.pseudonym) for one in found.endorsements
    }
    signed = service.sign(found, signer=signer, validators=validators, now=NOW + timedelta(minutes=1))
    with writing(story.engine) as session:
        assert not service.seal(session, found=found, signed=signed, validators=validators, now=NOW)
    assert story.credential(submission_id).document == first.document
    assert counted(story, Endorsement) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": SubmissionState.UNDER_INVESTIGATION}, "not finalised"),
        ({"purpose": Purpose.SEED}, "exercise"),
    ],
)
def test_credential_is_refused_while_rule_6_does_not_hold(story, change, says):
    submission_id = story.released()[0]
    with writing(story.engine) as session:
        submission = session.get_one(Submission, submission_id)
        for name, value in change.items():
            setattr(submission, name, value)
    with pytest.raises(Conflict, match=says):
        issue(story, submission_id)
    assert counted(story, Credential) == 0


def test_withdrawn_consent_and_undecided_lot_are_refused(story):
    submission_id = story.released()[0]
    with writing(story.engine) as session:
        session.add(
            SubmissionConsent(
                submission_id=submission_id, purpose="assessment", version="1", given_at=NOW, withdrawn_at=NOW
            )
        )
    with pytest.raises(Conflict, match="consent"):
        issue(story, submission_id)
    waiting = story.house.decide(GOOD)
    with pytest.raises(Conflict, match="not finalised"):
        issue(story, waiting)
    with pytest.raises(NotFound):
        issue(story, UUID(int=7))


def try_to_issue(story):
    """Let the job that issues run through the engine, as often as it is due; return it as it stands then."""

    def handler(run, args):
        if run.job_id.startswith(ISSUE.name):
            jobs.issue(story.engine, story.settings, submission_id=UUID(args["submission_id"]), now=NOW)

    work = Work(story.engine, [], 1, lambda _: handler, lambda *_: None)
    while (taken := embedded.take(story.engine, Queue.QUICK)) is not None:
        execute(work, taken)
    with reading(story.engine) as session:
        return session.exec(select(Job).where(Job.name == ISSUE.name)).one()


def in_the_past(story):
    """Make what the stories' clock has written due by every clock."""
    with writing(story.engine) as session:
        for job in session.exec(select(Job).where(Job.state == JobState.TODO)):
            job.run_at = NOW - timedelta(days=7)


def test_evidence_that_was_damaged_and_is_back_leads_to_its_credential(story, stored):
    submission_id = story.released()[0]
    content = b"the recording, as it was sent"
    with writing(story.engine) as session:
        piece = session.exec(select(Evidence).where(Evidence.submission_id == submission_id)).one()
        piece.sha256, piece.size_bytes = sha256(content).hexdigest(), len(content)
    stored.put_bytes(piece.object_key, b"somebody changed the recording", media_type="audio/flac")
    assert verified(story, submission_id) == [False]
    in_the_past(story)
    job = try_to_issue(story)
    assert (job.state, "no longer the one that was sent" in job.error) == (JobState.FAILED, True)
    assert counted(story, Credential) == 0
    stored.put_bytes(piece.object_key, content, media_type="audio/flac")
    assert verified(story, submission_id) == [True]
    assert try_to_issue(story).state is JobState.DONE
    said = json.loads(story.credential(submission_id).document)
    assert said["evidence"][0]["type"] == ["Evidence"]
    with reading(story.engine) as session:
        assert verify_audit(session).ok


def verified(story, submission_id):
    """Look at the originals as `assay evidence verify` does."""
    return [each.ok for each in verify_again(story.engine, Storage(story.settings), submission_id)]


def test_a_credential_waits_until_as_much_is_known_as_its_rubric_asks_for(story):
    submission_id = story.released()[0]
    with writing(story.engine) as session:
        rubric = session.get_one(RubricVersion, story.house.rubric.id)
        rubric.body = {**rubric.body, "evidence": {**rubric.body["evidence"], "identity_min": "document-seen"}}
    in_the_past(story)
    assert "Less is known" in try_to_issue(story).error
    path, headers = f"/api/v1/submissions/{submission_id}/identity", story.person(Role.ADMINISTRATOR)
    less = story.client.post(path, json={"identity": "declared"}, headers=headers)
    assert (less.status_code, try_to_issue(story).state) == (200, JobState.FAILED)
    assert story.client.post(path, json={"identity": "document-seen"}, headers=headers).status_code == 200
    assert try_to_issue(story).state is JobState.DONE
    assert "document" in json.loads(story.credential(submission_id).document)["credentialSubject"]["narrative"]
    closed = story.client.post(path, json={"identity": "none"}, headers=headers)
    assert (closed.status_code, closed.json()["code"]) == (409, "closed")


def test_not_yet_competent_gets_no_credential(story):
    submission_id = story.released(BAD)[0]
    story.work()
    with pytest.raises(AssayError):
        issue(story, submission_id)
    assert counted(story, Credential) == 0


def test_keys_are_registered_public_half_only(story):
    credential = story.issued()
    with reading(story.engine) as session:
        rows = session.exec(select(SigningKey)).all()
    assert sorted((row.purpose, row.algorithm) for row in rows if row.purpose != "receipt") == [
        ("issuer", "ES256"),
        ("issuer", "Ed25519"),
        ("validator", "Ed25519"),
    ]
    assert any(row.kid in credential.document for row in rows)
    assert all(path.stat().st_mode & 0o77 == 0 for path in story.settings.keys.iterdir())


def test_identity_and_holders_language_are_printed_as_they_are(story):
    submission_id = story.released()[0]
    with writing(story.engine) as session:
        submission = session.get_one(Submission, submission_id)
        submission.identity = Identity.SUPERVISED
        holder = session.get_one(Person, submission.candidate_id)
        holder.language, holder.name_ar = "ar", "أمينة حسن"
    story.work()
    said = json.loads(story.credential(submission_id).document)
    assert said["credentialSubject"]["achievement"]["inLanguage"] == "ar"
    assert said["name"] == "مكالمة خدمة العملاء"
    assert "تحت إشراف" in said["credentialSubject"]["narrative"]
    assert said["credentialSubject"]["identifier"][1]["identityHash"] == "أمينة حسن"


def test_evidence_gets_a_salt_and_only_its_salted_digest_is_printed(story):
    credential = story.issued()
    with reading(story.engine) as session:
        piece = session.exec(select(Evidence).where(Evidence.submission_id == credential.submission_id)).one()
    assert len(piece.salt) == 32
    assert piece.salt not in credential.document
    assert piece.sha256 not in credential.document


def test_places_on_the_status_list_are_random_and_a_full_list_is_followed_by_a_new_one(story):
    story.house.plan(**NO_PROBATION)
    ids = story.released(*[GOOD] * 5)
    with writing(story.engine) as session:
        session.add(
            StatusList(number=1, organisation_id=story.house.organisation.id, purpose="revocation", size=1, bits=b"\0")
        )
    story.work()
    places = [(one.status_list, one.status_index) for one in map(story.credential, ids)]
    assert sorted({number for number, _ in places}) == [1, 2]
    assert sum(number == 1 for number, _ in places) == 1
    assert len({index for _, index in places}) > 3


def test_status_list_is_signed_again_before_it_runs_out(story):
    story.issued()
    with reading(story.engine) as session:
        before = session.exec(select(StatusList)).one().document
    jobs.refresh_status(story.engine, story.settings, now=NOW + timedelta(hours=1))
    with reading(story.engine) as session:
        assert session.exec(select(StatusList)).one().document == before
    jobs.refresh_status(story.engine, story.settings, now=NOW + timedelta(hours=13))
    with reading(story.engine) as session:
        row = session.exec(select(StatusList)).one()
    assert row.document["validUntil"] == "2026-11-26T01:00:00Z"
    assert row.valid_until == NOW + timedelta(hours=37)


def test_publishing_waits_where_the_key_is_on_another_machine(story, tmp_path):
    story.issued()
    elsewhere = story.settings.model_copy(update={"signing_key_dir": tmp_path / "empty"})
    with pytest.raises(AssayError, match="not on this machine"):
        jobs.publish_status(story.engine, elsewhere, number=1, now=NOW)
    assert not (tmp_path / "empty").exists()


def test_status_list_is_published_before_the_credential_is_seen(story):
    credential = story.issued()
    with reading(story.engine) as session:
        waiting = session.exec(select(Job.id).where(Job.name == "credentials.publish-status")).all()
        assert waiting == []
        assert session.get_one(StatusList, credential.status_list).document is not None


def test_each_revision_of_a_list_has_one_job(story):
    credential = story.issued()
    for what in (Act.REVOKE, Act.REVOKE):
        with suppress(Conflict), writing(story.engine) as session:
            standing.act(session, credential_id=credential.id, what=what, reason="Twice", now=NOW)
    with reading(story.engine) as session:
        waiting = session.exec(select(Job.id).where(Job.name == "credentials.publish-status")).all()
    assert waiting == ["credentials.publish-status:1:1"]


def test_two_workers_at_once_issue_one_credential(story):
    (submission_id,) = story.released(GOOD)
    issued = at_once([lambda: issue(story, submission_id)] * 4)
    assert any(issued)
    assert counted(story, Credential) == 1 == counted(story, Endorsement)
    assert story.credential(submission_id).state is CredentialState.ACTIVE
    with reading(story.engine) as session:
        assert len(session.exec(select(AuditEvent).where(AuditEvent.action == "credential.issued")).all()) == 1
