"""The public check page: what a credential says and how far it can be relied on. Pure; texts through `translate`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import segno

from app.credentials.answers import FORMS
from app.credentials.states import CredentialState
from app.credentials.verdict import Report, Standing, Verdict

Json = dict[str, Any]
Translate = Callable[..., str]
Day = Callable[[datetime], str]

SHOWN = (Verdict.GENUINE, Verdict.UNKNOWN_ISSUER)


@dataclass(frozen=True, slots=True)
class Banner:
    """The answer in one line. `tone` is ok, warn or bad."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the facts."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the chain from evidence to credential."""

    icon: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One criterion: the level reached, and its place among all levels."""

    name: str
    level: str
    filled: int
    of: int


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check in words."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code as one SVG path of unit squares."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class CheckPage:
    """Everything on the check page."""

    banner: Banner
    checks: tuple[CheckLine, ...]
    holder: str | None = None
    achievement: str | None = None
    description: str | None = None
    issuer: str | None = None
    facts: tuple[Fact, ...] = ()
    steps: tuple[Step, ...] = ()
    results: tuple[ResultLine, ...] = ()
    files: tuple[Fact, ...] = ()
    technical: tuple[Fact, ...] = ()
    qr: QrCode | None = None


@dataclass(frozen=True, slots=True)
class Own:
    """What only the issuing site knows: the exact state with its reason, and the addresses of its files."""

    address: str
    state: CredentialState
    reason: str | None


def check_page(report: Report, *, translate: Translate, day: Day, own: Own | None = None) -> CheckPage:
    """Return the page for a report. What is not genuine shows its failed checks and nothing of its claims."""
    checks = tuple(CheckLine(one.name, one.ok, translate(one.detail, **one.params)) for one in report.checks)
    banner = _banner(report, translate=translate, day=day, own=own)
    document = report.document
    if document is None or report.verdict not in SHOWN:
        return CheckPage(banner, checks)
    subject = document["credentialSubject"]
    return CheckPage(
        banner=banner,
        checks=checks,
        holder=report.holder.name if report.holder else None,
        achievement=report.achievement.name if report.achievement else None,
        description=_text(subject["achievement"].get("description")),
        issuer=report.issuer.name if report.issuer else None,
        facts=tuple(_facts(report, document, translate=translate, day=day)),
        steps=tuple(_steps(document, translate=translate)),
        results=tuple(_results(subject)),
        files=tuple(Fact(form.upper(), f"{own.address}.{form}") for form in FORMS) if own else (),
        technical=tuple(_technical(document, translate=translate)),
        qr=qr_code(own.address) if own else None,
    )


def qr_code(text: str) -> QrCode:
    """Return a QR code of the text."""
    rows = [list(row) for row in segno.make(text, error="l").matrix]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return QrCode(path, len(rows))


def _banner(report: Report, *, translate: Translate, day: Day, own: Own | None) -> Banner:
    _ = translate
    if report.verdict is Verdict.UNREADABLE:
        return Banner("bad", _("There is no credential in this file"), _("It was not changed or stored here."))
    if report.verdict is Verdict.NOT_GENUINE:
        text = _("Do not rely on it. The checks below say what does not hold.")
        return Banner("bad", _("Not genuine"), text)
    if report.verdict is Verdict.UNKNOWN_ISSUER:
        text = _("The file was not changed since it was signed, but nobody here can say who signed it.")
        return Banner("warn", _("Unchanged, by an issuer that is not known here"), text)
    if report.in_force:
        text = _(
            "Checked just now: the signature is intact, the issuer is recognised,"
            " and it is neither suspended nor revoked."
        )
        return Banner("ok", _("Genuine and in force"), text)
    return _not_in_force(report, translate=_, day=day, own=own)


def _not_in_force(report: Report, *, translate: Translate, day: Day, own: Own | None) -> Banner:
    _ = translate
    reason = _("Reason: %(reason)s", reason=own.reason) if own and own.reason else ""
    revoked = own is not None and own.state is CredentialState.REVOKED
    if report.standing is Standing.REVOKED or revoked:
        text = " ".join([_("The awarding body has taken it back."), reason]).strip()
        return Banner("bad", _("Genuine, but revoked"), text)
    if report.standing is Standing.SUSPENDED:
        text = " ".join([_("The awarding body has suspended it for the time being."), reason]).strip()
        return Banner("warn", _("Genuine, but suspended"), text)
    if report.standing is Standing.UNKNOWN:
        text = _("The signature is intact. Whether it was revoked could not be looked up just now.")
        return Banner("warn", _("Genuine, status not known"), text)
    if report.valid_until:
        text = _("It was valid until %(date)s.", date=day(report.valid_until))
        return Banner("warn", _("Genuine, but not within its dates"), text)
    return Banner("warn", _("Genuine, but not within its dates"), _("It is not valid yet."))


def _facts(report: Report, document: Json, *, translate: Translate, day: Day) -> list[Fact]:
    _ = translate
    subject = document["credentialSubject"]
    level = next(
        (one for one in _dicts(subject["achievement"].get("alignment")) if _is_level(one)),
        {},
    )
    evidence = [_text(piece.get("name")) for piece in _dicts(document.get("evidence"))]
    found = [
        (_("Issued"), day(report.valid_from) if report.valid_from else None),
        (_("Valid until"), day(report.valid_until) if report.valid_until else _("No end date")),
        (_("Level"), _text(level.get("targetCode")) or _text(level.get("targetName"))),
        (_("Credits"), _number(subject.get("creditsEarned"))),
        (_("How it was assessed"), ", ".join(name for name in evidence if name)),
        (_("Awarding body"), report.issuer.name if report.issuer else None),
    ]
    return [Fact(label, value) for label, value in found if value]


def _steps(document: Json, *, translate: Translate) -> list[Step]:
    _ = translate
    evidence = [
        " ".join(part for part in (_text(piece.get("name")), _text(piece.get("description"))) if part)
        for piece in _dicts(document.get("evidence"))
    ]
    endorsed = _dicts(document.get("endorsement"))
    comment = _text(endorsed[0].get("credentialSubject", {}).get("endorsementComment")) if endorsed else None
    signed = _("The awarding body signed; one changed character breaks the signature.")
    steps = [
        Step(_icon(document), _("Evidence"), " ".join(evidence)),
        Step("scales", _("Judgement"), _text(document["credentialSubject"].get("narrative")) or ""),
        Step("shield", _("Credential"), " ".join(part for part in (comment, signed) if part)),
    ]
    return [step for step in steps if step.text]


def _icon(document: Json) -> str:
    """Return the picture for the kind of evidence."""
    genres = [str(piece.get("genre", "")) for piece in _dicts(document.get("evidence"))]
    kinds = {genre.split("/", 1)[0] for genre in genres}
    return "video" if "video" in kinds else "audio" if "audio" in kinds else "text"


def _results(subject: Json) -> list[ResultLine]:
    described = {one.get("id"): one for one in _dicts(subject["achievement"].get("resultDescription"))}
    lines = []
    for result in _dicts(subject.get("result")):
        criterion = described.get(result.get("resultDescription"), {})
        levels = _dicts(criterion.get("rubricCriterionLevel"))
        place = next((n for n, one in enumerate(levels) if one.get("id") == result.get("achievedLevel")), None)
        if place is not None:
            name = _text(criterion.get("name")) or ""
            lines.append(ResultLine(name, _text(levels[place].get("name")) or "", place, len(levels) - 1))
    return lines


def _technical(document: Json, *, translate: Translate) -> list[Fact]:
    _ = translate
    issuer = document["issuer"]
    proofs = document.get("proof")
    first = next(iter(_dicts(proofs if isinstance(proofs, list) else [proofs])), {})
    value = _text(first.get("proofValue")) or ""
    found = [
        (_("Format"), "Open Badges 3.0"),
        (_("Credential"), _text(document.get("id"))),
        (_("Issuer"), _text(issuer.get("id") if isinstance(issuer, dict) else issuer)),
        (_("Proof"), f"{first.get('cryptosuite', 'VC-JWT')} {value[:24]}" + ("…" if value else "")),
    ]
    return [Fact(label, text) for label, text in found if text]


def _is_level(alignment: Json) -> bool:
    return alignment.get("targetType") == "ext:QualificationLevel"


def _dicts(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> str | None:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else None
