"""Rate limits per caller, counted in Redis. Without Redis nobody is locked out."""

from time import time

import structlog
from limits import parse
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import Redis, RedisError

from appliance.core.errors import TooMany
from appliance.core.i18n import lazy_gettext as _

PER_CALLER = "1000/minute"
PER_ADDRESS = "600/minute"
log = structlog.get_logger()


class RateLimits:
    def __init__(self, redis: Redis) -> None:
        pool = redis.connection_pool
        self._limiter = SlidingWindowCounterRateLimiter(RedisStorage("redis://", connection_pool=pool, wrap_exceptions=False))

    def check(self, rate: str, *who: str) -> None:
        """Raises TooMany past `rate` (such as "5/minute"); `who` names the caller and what is limited."""
        item = parse(rate)
        try:
            if self._limiter.hit(item, *who):
                return
            wait = self._limiter.get_window_stats(item, *who).reset_time
        except RedisError as err:
            log.warning("limits_unreachable", error=type(err).__name__)
            return
        raise TooMany(_("Too many attempts. Wait a moment and try again."), retry_after=max(1.0, wait - time()))
