"""What can go wrong for a reason the caller may act on. Each maps once to an HTTP status and to a retry policy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import ClassVar


class DomainError(Exception):
    """`message` is a sentence a person can act on; it is translated when it is shown."""

    status: ClassVar[HTTPStatus]

    def __init__(self, message: object) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return str(self.message)


class NotFound(DomainError):
    """Absent, or not yours: the two are never told apart."""

    status = HTTPStatus.NOT_FOUND


class Refused(DomainError):
    """The request breaks a rule. `fields` ties sentences to the inputs that caused them."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, message: object, *, fields: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class Conflict(DomainError):
    """The state of things does not allow it now."""

    status = HTTPStatus.CONFLICT


class Outdated(DomainError):
    """The caller names a version of a thing that is no longer the present one."""

    status = HTTPStatus.PRECONDITION_FAILED


class Unavailable(DomainError):
    """Something we depend on is away. The only error that is retried. `retry_after` is in seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: object, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Later(Unavailable):
    """Not now, and whoever says so knows when: it comes back after `retry_after`, however often. Giving up is left to them."""

    def __init__(self, message: object, *, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)


class Away(Unavailable):
    """What anybody may read; `why`, which names machines, is for who runs the box."""

    def __init__(self, message: object, why: object, *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.why = why


@contextmanager
def for_operators() -> Iterator[None]:
    """Raises Unavailable that says why."""
    try:
        yield
    except Away as err:
        raise Unavailable(err.why, retry_after=err.retry_after) from err


class Unauthenticated(DomainError):
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(DomainError):
    status = HTTPStatus.FORBIDDEN


class TooMany(DomainError):
    """A rate limit. `retry_after` is in seconds."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, message: object, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
