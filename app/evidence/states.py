"""The states of submissions, evidence and stages (DESIGN section 3). The values are what API and database show."""

from enum import StrEnum


class SubmissionState(StrEnum):
    DRAFT = "draft"
    PROCESSING = "processing"
    READY = "ready"
    IN_ASSESSMENT = "in-assessment"
    MODERATION = "moderation"
    HELD = "held"
    FINALISED = "finalised"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    UNDER_INVESTIGATION = "under-investigation"
    VOID = "void"


class EvidenceState(StrEnum):
    UPLOADING = "uploading"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"
    DAMAGED = "damaged"
    ERASED = "erased"


# The evidence of a submission that is ready: what can be played is there, its transcript may still be coming.
JUDGED = (EvidenceState.PROCESSING, EvidenceState.READY)


class EvidenceKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"
    TEXT = "text"


class StageName(StrEnum):
    INSPECT = "inspect"
    SCAN = "scan"
    CONVERT = "convert"
    TRANSCRIBE = "transcribe"
    EXTRACT = "extract"


class StageState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class RenditionKind(StrEnum):
    """What is derived from an original. `speech` (the normalised WAV) is for the worker only, never listed."""

    PLAYABLE = "playable"
    PREVIEW = "preview"
    POSTER = "poster"
    WAVEFORM = "waveform"
    CAPTIONS = "captions"
    TEXT = "text"
    SPEECH = "speech"


class Purpose(StrEnum):
    CANDIDATE = "candidate"
    SEED = "seed"
    DEMONSTRATION = "demonstration"


class Identity(StrEnum):
    """How we know who is in the recording; printed on the credential as it is."""

    NONE = "none"
    DECLARED = "declared"
    DOCUMENT_SEEN = "document-seen"
    SUPERVISED = "supervised"

    def is_enough_for(self, least: str) -> bool:
        """Say whether no less is known than a rubric asks for."""
        order = list(Identity)
        return order.index(self) >= order.index(Identity(least))


class Agreed(StrEnum):
    """How another person in a recording has agreed to be in it."""

    IN_WRITING = "in-writing"
    SPOKEN = "spoken"
    IN_RECORDING = "in-recording"
    GUARDIAN = "guardian"


class Part(StrEnum):
    """The one part a person has in a submission (rule 1)."""

    CANDIDATE = "candidate"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    VALIDATOR = "validator"
    APPEAL_REVIEWER = "appeal-reviewer"


class Outcome(StrEnum):
    COMPETENT = "competent"
    NOT_YET_COMPETENT = "not-yet-competent"
