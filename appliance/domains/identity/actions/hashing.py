"""Argon2id (RFC 9106) at OWASP's parameters: 19 MiB and 2 passes, so that a full house of sign-ins fits in memory."""

import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from appliance.core import guard

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_slots = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    guard.check_no_open_unit("password hashing")
    with _slots:
        return _hasher.hash(password)


def is_password(kept: str | None, password: str) -> bool:
    """Costs the same whether there is anything to compare with or not."""
    guard.check_no_open_unit("password hashing")
    with _slots:
        try:
            return _hasher.verify(kept or _nobody(), password) and kept is not None
        except (Argon2Error, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    return _hasher.check_needs_rehash(kept)


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("nobody has this password")
