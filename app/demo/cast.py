"""Who takes part in the demonstration, what each sends, and how it is judged. Every name is invented."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.actor import Role
from app.demo.recordings import Recording

ORGANISATION = "demonstration-institute"
SERVICE_CALL = "teller-service-call"
CREDIT = "credit-analysis-walkthrough"
PRESENTATION = "presentation-skills"


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the demonstration. `shown` = printed with a sign-in link."""

    email: str
    name: str
    name_ar: str
    roles: tuple[Role, ...]
    shown: bool = False


class End(StrEnum):
    """How far a submission goes in the demonstration."""

    WAITS = "waits in the queue"
    VALIDATION = "waits for its validator"
    CREDENTIAL = "becomes a credential"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Levels by criterion, each with the assessor's note; `message` is for the candidate."""

    assessor: str
    levels: dict[str, tuple[int, str]]
    message: str


@dataclass(frozen=True, slots=True)
class Act:
    """One submission: who sends what, and where its story ends."""

    candidate: str
    rubric: str
    language: str
    end: End
    recording: Recording | None = None
    text: str | None = None
    judgement: Judgement | None = field(default=None)


def _person(name: str, name_ar: str, *roles: Role, shown: bool = False) -> Member:
    email = name.lower().replace(" ", ".") + "@demo.example"
    return Member(email, name, name_ar, roles, shown)


CAST = (
    _person("Amira Nasser", "أميرة ناصر", Role.CANDIDATE, shown=True),
    _person("Youssef Mansour", "يوسف منصور", Role.CANDIDATE),
    _person("Layla Hassan", "ليلى حسن", Role.CANDIDATE),
    _person("Omar Khalil", "عمر خليل", Role.CANDIDATE),
    _person("Nour Ibrahim", "نور إبراهيم", Role.CANDIDATE),
    _person("Sara Haddad", "سارة حداد", Role.CANDIDATE, shown=True),
    _person("Hana Saleh", "هناء صالح", Role.ASSESSOR, shown=True),
    _person("Karim Adel", "كريم عادل", Role.ASSESSOR),
    _person("Mona Fahmy", "منى فهمي", Role.VALIDATOR, shown=True),
    _person("Tarek Aziz", "طارق عزيز", Role.LEAD_VALIDATOR, Role.VALIDATOR, shown=True),
    _person("Dina Kamel", "دينا كامل", Role.ISSUER, shown=True),
    _person("Rana Tawfik", "رنا توفيق", Role.AUDITOR, shown=True),
    _person("Sami Younes", "سامي يونس", Role.ADMINISTRATOR, shown=True),
)

HANA, KARIM = "hana.saleh@demo.example", "karim.adel@demo.example"
VALIDATOR, LEAD = "mona.fahmy@demo.example", "tarek.aziz@demo.example"

ENGLISH = ("en-librivox-1.flac", "en-fleurs-1.flac", "en-librivox-2.flac")
ENGLISH_TOO = ("en-fleurs-1.flac", "en-librivox-2.flac", "en-fleurs-2-very-quiet.flac", "en-librivox-1.flac")
ENGLISH_PRESENTED = ("en-librivox-2.flac", "en-librivox-1.flac", "en-fleurs-1.flac")
ARABIC = ("ar-numbers-1to6.flac", "ar-commonvoice-1.flac")

GOOD_CALL = Judgement(
    HANA,
    {
        "ID": (2, "Two checks before any detail of the account; the card number is never read aloud."),
        "LI": (2, "Says the problem again in other words and waits for the answer."),
        "AC": (3, "Delivery time, fee and blocking are right, and the source is looked up in one place."),
        "EM": (2, "Names the inconvenience and keeps a calm pace to the end."),
        "NX": (2, "A date, a person and a reference number are agreed."),
        "CL": (2, "Plain words; the one technical term is explained."),
    },
    "A careful call from start to end. Next time ask whether the customer needs cash before the card arrives.",
)
GOOD_ANALYSIS = Judgement(
    KARIM,
    {
        "DA": (3, "Explains both differences between accounts and statements and leaves out what has no proof."),
        "RA": (2, "All ratios follow from the corrected figures and name their base."),
        "CF": (2, "Debt service cover with two bad cases, each with its figure."),
        "RI": (3, "The smaller amount follows from the bad case; the conditions can be checked."),
        "EX": (2, "Sources by sheet and cell; a colleague could repeat it."),
    },
    "A recommendation that follows from the figures. Show the interest cover for the bad cases as well.",
)
WEAK_ANALYSIS = Judgement(
    KARIM,
    {
        "DA": (1, "Takes the owner's forecast as it is; nothing is compared with the statements."),
        "RA": (1, "The current ratio is right; the interest cover is missing."),
        "CF": (0, "Leaves the leasing payments and the slower receivables out of the cash flow."),
        "RI": (1, "Asks for an exception from policy without a bad case."),
        "EX": (2, "Easy to read, and it says which figures were typed in by hand."),
    },
    "You write clearly. Add the leasing payments, one bad case and the interest cover, and hand it in again.",
)

ACTS = (
    Act(
        "sara.haddad@demo.example",
        SERVICE_CALL,
        "en",
        End.CREDENTIAL,
        recording=Recording("service-call.m4a", ENGLISH, 128, "audio/mp4"),
        judgement=GOOD_CALL,
    ),
    Act(
        "omar.khalil@demo.example",
        CREDIT,
        "en",
        End.VALIDATION,
        text="nile-bakery.en.txt",
        judgement=GOOD_ANALYSIS,
    ),
    Act(
        "nour.ibrahim@demo.example",
        CREDIT,
        "en",
        End.VALIDATION,
        text="delta-print.en.txt",
        judgement=WEAK_ANALYSIS,
    ),
    Act("layla.hassan@demo.example", CREDIT, "ar", End.WAITS, text="oasis-dates.ar.txt"),
    Act(
        "amira.nasser@demo.example",
        PRESENTATION,
        "en",
        End.WAITS,
        recording=Recording("presentation.mp4", ENGLISH_PRESENTED, 186, "video/mp4"),
    ),
    Act(
        "youssef.mansour@demo.example",
        SERVICE_CALL,
        "ar",
        End.WAITS,
        recording=Recording("مكالمة.flac", ARABIC, 124, "audio/flac"),
    ),
    Act(
        "nour.ibrahim@demo.example",
        SERVICE_CALL,
        "en",
        End.WAITS,
        recording=Recording("call-with-a-quiet-voice.m4a", ENGLISH_TOO, 126, "audio/mp4"),
    ),
)
