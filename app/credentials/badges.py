"""The badge pictures of one credential or achievement: drawn from what it says, with the credential baked in."""

import json

from app.credentials import baking, picture
from app.credentials.facts import AchievementFacts


def credential_png(sealed: str) -> bytes:
    """Return the badge as PNG with the signed text in it."""
    return baking.bake_png(picture.png(str(json.loads(sealed)["id"])), sealed=sealed)


def credential_svg(sealed: str) -> str:
    """Return the badge as SVG with the signed text in it."""
    said = json.loads(sealed)
    achievement = said["credentialSubject"]["achievement"]
    drawn = picture.svg(
        picture.BadgeText(
            title=achievement["name"],
            issuer=said["issuer"]["name"],
            footer=said["awardedDate"][:10],
            language=achievement["inLanguage"],
        )
    )
    return baking.bake_svg(drawn, sealed=sealed)


def achievement_svg(facts: AchievementFacts) -> str:
    """Return the badge of an achievement, without a holder."""
    return picture.svg(
        picture.BadgeText(facts.name, facts.creator.name, f"{facts.code} {facts.version}", facts.language)
    )
