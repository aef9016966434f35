"""The states of a credential (DESIGN section 3). The values are what API and database show."""

from enum import StrEnum


class CredentialState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
