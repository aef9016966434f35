"""Who is asking: a person acting for one organisation, with roles, scope and (for tokens) token scopes."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a membership lets a person do (DESIGN section 2)."""

    CANDIDATE = "candidate"
    ASSESSOR = "assessor"
    VALIDATOR = "validator"
    LEAD_VALIDATOR = "lead-validator"
    ISSUER = "issuer"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """What an API token is for; what it may do is this, cut down to what the person's roles allow."""

    READ = "read"
    SUBMIT = "submit"
    ASSESS = "assess"
    VALIDATE = "validate"
    ISSUE = "issue"
    ADMIN = "admin"


SCOPES_OF_ROLE: dict[Role, frozenset[Scope]] = {
    Role.CANDIDATE: frozenset({Scope.READ, Scope.SUBMIT}),
    Role.ASSESSOR: frozenset({Scope.READ, Scope.ASSESS}),
    Role.VALIDATOR: frozenset({Scope.READ, Scope.VALIDATE}),
    Role.LEAD_VALIDATOR: frozenset({Scope.READ, Scope.VALIDATE}),
    Role.ISSUER: frozenset({Scope.READ, Scope.ISSUE}),
    Role.AUDITOR: frozenset({Scope.READ}),
    Role.ADMINISTRATOR: frozenset({Scope.READ, Scope.ADMIN}),
}
EVERY_ROLE = frozenset(Role)


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person. `rubrics[role]` holds the rubric codes a role is limited to; absent = all of them."""

    person_id: UUID
    name: str
    email: str
    organisation_id: UUID
    organisation_name: str
    roles: frozenset[Role]
    rubrics: dict[Role, frozenset[str]]
    scopes: frozenset[Scope]
    demonstration: bool = False
    by_token: bool = False

    def has(self, *roles: Role) -> bool:
        """Say whether the person holds one of these roles now."""
        return any(role in self.roles for role in roles)

    def may_judge(self, role: Role, rubric_code: str) -> bool:
        """Say whether the person holds this role for this rubric."""
        limit = self.rubrics.get(role)
        return role in self.roles and (limit is None or rubric_code in limit)
