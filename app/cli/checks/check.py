"""What a check says."""

from collections.abc import Callable
from dataclasses import dataclass

import urllib3

from app.errors import AssayError

HTTP = urllib3.PoolManager(timeout=20, retries=False)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `state` is ok, warn or fail; `advice` says what to do."""

    name: str
    state: str
    detail: str
    advice: str = ""


def examined(name: str, check: Callable[[], Check]) -> Check:
    """Make a check; a refusal of ours is a failed check, in its own words."""
    try:
        return check()
    except AssayError as error:
        return Check(name, "fail", str(error))
    except urllib3.exceptions.HTTPError as error:
        return Check(name, "fail", f"no answer: {error}")
