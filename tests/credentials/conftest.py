"""An award made from facts, and credentials issued at the end of a real story."""

from uuid import UUID

import pytest
from sqlmodel import Session, select

from app.accounts.models import Person
from app.actor import Role
from app.credentials import jobs
from app.credentials.models import Credential
from app.db.engine import reading, writing
from app.frameworks.models import AchievementVersion
from app.jobs.models import Job, JobState
from tests.conftest import NOW
from tests.credentials.award import Award, an_award
from tests.factories import a_person, a_token, an_organisation, bearer
from tests.validation.conftest import Desk
from tests.validation.stories import GOOD, House, a_house


@pytest.fixture
def award(tmp_path) -> Award:
    return an_award(tmp_path)


class Story:
    """A house in which judgements end in credentials: what the worker and the people do, in order."""

    def __init__(self, engine, settings, client) -> None:
        self.engine, self.settings, self.client = engine, settings, client
        self.house: House = a_house(engine)
        self.lead = Desk(client, self.house, self.house.lead)
        self.validator = Desk(client, self.house, self.house.validator)

    def released(self, *scores: dict[str, int]) -> list[UUID]:
        """Let submissions be judged, validated and released; the first lots of an assessor are validated whole."""
        found = self.house.decided(*(scores or (GOOD,)))
        self.lead.close()
        while self.validator.validate():
            pass
        self.house.run_jobs()
        return found

    def work(self, *, now=NOW) -> None:
        """Do the credential jobs that wait, as a worker does."""
        with writing(self.engine) as session:
            waiting = session.exec(select(Job).where(Job.state == JobState.TODO).order_by(Job.id)).all()
            for job in waiting:
                job.state = JobState.DONE
        for job in waiting:
            if job.name == "credentials.issue":
                jobs.issue(self.engine, self.settings, submission_id=UUID(job.args["submission_id"]), now=now)
                self.work(now=now)
            elif job.name == "credentials.publish-status":
                jobs.publish_status(self.engine, self.settings, number=job.args["number"], now=now)

    def issued(self, *scores: dict[str, int]) -> Credential:
        """Return the credential of the first of these judgements."""
        submission_id = self.released(*scores)[0]
        self.work()
        return self.credential(submission_id)

    def credential(self, submission_id: UUID) -> Credential:
        with reading(self.engine) as session:
            return session.exec(select(Credential).where(Credential.submission_id == submission_id)).one()

    def writing(self):
        """Open a write unit, for facts that a story can't reach."""
        return writing(self.engine)

    def achievement_id(self, session: Session) -> UUID:
        """Return the achievement of the house's rubric."""
        rubric = AchievementVersion.rubric_version_id == self.house.rubric.id
        return session.exec(select(AchievementVersion.id).where(rubric)).one()

    def person(self, *roles: Role) -> dict[str, str]:
        """Return the headers of a new person with these roles."""
        return self.house.headers(self.house.join(*roles))

    def holder(self, credential: Credential) -> dict[str, str]:
        """Return the headers of the credential's holder."""
        with writing(self.engine) as session:
            return bearer(_token_of(session, credential, self.house))

    def stranger(self, *roles: Role) -> dict[str, str]:
        """Return the headers of somebody from another awarding body."""
        with writing(self.engine) as session:
            elsewhere = an_organisation(session)
            return bearer(a_token(session, a_person(session, elsewhere, *roles), elsewhere))


def _token_of(session: Session, credential: Credential, house: House) -> str:
    return a_token(session, session.get_one(Person, credential.holder_id), house.organisation)


@pytest.fixture
def story(engine, settings, client) -> Story:
    return Story(engine, settings, client)
