"""Rate limits of single routes: so many requests a minute for one person, or for one address when nobody is signed in.

Counted in the memory of each site process: with N processes the limit is at most N times as high.
"""

from typing import Any

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from app.errors import TooMany
from app.web.call import Call


class Limiter:
    """The counters of one site process."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def hit(self, call: Call[Any], *, route: str, limit: str) -> None:
        """Count a request; TooMany when the limit (such as `20/minute`) is passed."""
        client = call.request.client
        who = str(call.maybe_actor.person_id) if call.maybe_actor else (client.host if client else "")
        if not self._window.hit(parse(limit), route, who):
            raise TooMany("That were too many tries in a short time. Wait a minute and try again.")
