"""Fixtures of validation: a house with people, and its lead and validators speaking HTTP."""

import pytest

from tests.validation.stories import GOOD, House, a_house, sent_scores

ALL_YES = {"valid": True, "authentic": True, "current": True, "sufficient": True}


class Desk:
    """What one person does over the API."""

    def __init__(self, client, house: House, person) -> None:
        self.client, self.house, self.person = client, house, person

    def get(self, path):
        return self.client.get(f"/api/v1{path}", headers=self.house.headers(self.person))

    def post(self, path, body=None):
        return self.client.post(f"/api/v1{path}", json=body or {}, headers=self.house.headers(self.person))

    def patch(self, path, body):
        return self.client.patch(f"/api/v1{path}", json=body, headers=self.house.headers(self.person))

    def delete(self, path):
        return self.client.delete(f"/api/v1{path}", headers=self.house.headers(self.person))

    def lot(self):
        return self.get(f"/lots/{self.house.lot().id}").json()

    def close(self):
        answer = self.post(f"/lots/{self.house.lot().id}/close")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def claim(self):
        answer = self.post("/validations/claims")
        return answer.json() if answer.status_code == 201 else None

    def score(self, claim, levels=GOOD, vacs=ALL_YES):
        return self.post(f"/validations/{claim['id']}/scores", {"vacs": vacs, "scores": sent_scores(levels)})

    def validate(self, *, truth=None, decision="uphold", reason="", **more):
        """Take the next item, score it blind and decide; overturns where the truth says so."""
        claim = self.claim()
        if claim is None:
            return None
        levels = (truth or {}).get(claim["submission_id"], GOOD)
        compared = self.score(claim, levels).json()["comparison"]
        if truth is not None and compared["assessor"]["outcome"] != compared["validator"]["outcome"]:
            decision, reason = "overturn", "The recording shows otherwise."
            more = {"scores": sent_scores(levels)}
        body = {"decision": decision, "reason": reason, **more}
        answer = self.post(f"/validations/{claim['id']}/decision", body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def house(engine):
    return a_house(engine)


@pytest.fixture
def desk(client, house):
    """Return a function that gives a person's desk."""
    return lambda person: Desk(client, house, person)


@pytest.fixture
def lead(desk, house):
    return desk(house.lead)


@pytest.fixture
def validator(desk, house):
    return desk(house.validator)
