"""The sentences that are signed, by language.

They are kept here and not in the gettext catalogue: a credential's words must not change with a translation
that somebody improves later, and the same facts must give the same document everywhere.
"""

from app.credentials.facts import IdentityFacts, IdentityMethod, JudgementFacts

DEFAULT_LANGUAGE = "en"

SENTENCES: dict[str, dict[str, str]] = {
    "en": {
        "demonstration": "Demonstration only: people and evidence are invented.",
        "criteria": "Awarded for demonstrated competence only: no course, no attendance.",
        "outcomes": "The holder can:",
        "method": "Assessment: {method}",
        "credit-scheme": "Credits: {scheme}.",
        "hours": "Notional workload: {hours} hours.",
        "one-assessor": "Scored against {criteria} published criteria by a qualified assessor.",
        "assessors": "Scored against {criteria} published criteria by {assessors} qualified assessors,"
        " each independently.",
        "lot": "Quality assurance: lot of {size}, {validated} validated independently.",
        "upheld": "This judgement was among those validated and was upheld.",
        "identity-none": "Identity: not checked.",
        "identity-declared": "Identity: declared by the holder, no document seen.",
        "identity-document-seen": "Identity: document seen by the awarding body",
        "identity-supervised": "Identity: recorded under supervision with an identity check",
        "digest": "SHA-256 of the file with a salt that the holder keeps: {digest}",
        "private": "The evidence itself stays private.",
        "length": "{minutes} min {seconds} s.",
        "audience": "Assessors and validators of the awarding body",
        "video": "Video recording",
        "audio": "Audio recording",
        "text": "Written text",
        "document": "Document",
        "level": "Level {value} of the {framework}",
        "policy": "How judgements are validated",
        "validator": "Validator {pseudonym}",
        "endorsement-name": "Validated judgement",
        "endorsement": "This judgement was drawn into the sample, scored again without sight of the first"
        " scores, and upheld. Sampling plan: {plan}.",
    },
    "ar": {
        "demonstration": "للعرض فقط: الأشخاص والأدلة من نسج الخيال.",
        "criteria": "تُمنح على أساس الكفاءة المثبتة وحدها: دون دورة ودون حضور.",
        "outcomes": "يستطيع حاملها:",
        "method": "التقييم: {method}",
        "credit-scheme": "الوحدات المعتمدة: {scheme}.",
        "hours": "العبء التقديري: {hours} ساعة.",
        "one-assessor": "قيّمه مقيّم مؤهل وفق معايير منشورة عددها {criteria}.",
        "assessors": "قيّمه مقيّمون مؤهلون عددهم {assessors}، كل منهم على حدة، وفق معايير منشورة عددها {criteria}.",
        "lot": "ضمان الجودة: دفعة من {size}، روجع منها {validated} مراجعة مستقلة.",
        "upheld": "كان هذا الحكم ضمن ما روجع وأُيِّد.",
        "identity-none": "الهوية: لم يُتحقق منها.",
        "identity-declared": "الهوية: بإقرار حامل الشهادة، دون الاطلاع على وثيقة.",
        "identity-document-seen": "الهوية: اطلعت الجهة المانحة على وثيقة",
        "identity-supervised": "الهوية: سُجِّل الدليل تحت إشراف مع التحقق من الهوية",
        "digest": "بصمة SHA-256 للملف مع ملح يحتفظ به حامل الشهادة: {digest}",
        "private": "يبقى الدليل نفسه خاصًا.",
        "length": "{minutes} دقيقة و{seconds} ثانية.",
        "audience": "مقيّمو الجهة المانحة ومدققوها",
        "video": "تسجيل مرئي",
        "audio": "تسجيل صوتي",
        "text": "نص مكتوب",
        "document": "مستند",
        "level": "المستوى {value} من {framework}",
        "policy": "كيف تُراجَع الأحكام",
        "validator": "المدقق {pseudonym}",
        "endorsement-name": "حكم مدقَّق",
        "endorsement": "سُحب هذا الحكم ضمن العينة، وأُعيد تقييمه دون الاطلاع على الدرجات الأولى،"
        " وأُيِّد. خطة المعاينة: {plan}.",
    },
}


def say(language: str, key: str, **values: str | int) -> str:
    """Return the sentence in the language, or in English where we don't have the language."""
    return SENTENCES.get(language, SENTENCES[DEFAULT_LANGUAGE])[key].format(**values)


def identity(language: str, facts: IdentityFacts) -> str:
    """Say how the holder's identity is known, with the day where somebody looked."""
    sentence = say(language, f"identity-{facts.method}")
    if facts.method in (IdentityMethod.NONE, IdentityMethod.DECLARED):
        return sentence
    return f"{sentence} ({facts.on.isoformat()})." if facts.on else f"{sentence}."


def judgement(language: str, facts: JudgementFacts) -> str:
    """Say who scored it and how the lot was checked: never more than happened, as most are not sampled."""
    if facts.assessors == 1:
        scored = say(language, "one-assessor", criteria=len(facts.levels))
    else:
        scored = say(language, "assessors", criteria=len(facts.levels), assessors=facts.assessors)
    lot = say(language, "lot", size=facts.lot_size, validated=facts.validated)
    return " ".join([scored, lot, *([say(language, "upheld")] if facts.upheld_here else [])])
