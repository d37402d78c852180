"""Refusals as pages: what happened, why, what to do next. The API has its own form (problem documents)."""

from dataclasses import dataclass, replace
from http import HTTPStatus

from babel.support import LazyProxy

from appliance.core.i18n import lazy_gettext as _


@dataclass(frozen=True)
class ErrorPage:
    what: LazyProxy
    why: LazyProxy | str
    icon: str = "alert"
    retry: bool = False
    sign_in: bool = False


PAGES: dict[int, ErrorPage] = {
    HTTPStatus.BAD_REQUEST: ErrorPage(
        what=_("The box did not understand that"),
        why=_("The address or the form arrived incomplete. Go back, reload the page and try again."),
    ),
    HTTPStatus.UNAUTHORIZED: ErrorPage(
        what=_("Sign in to continue"),
        why=_("Your session ended or was closed on another device."),
        icon="lock",
        sign_in=True,
    ),
    HTTPStatus.FORBIDDEN: ErrorPage(
        what=_("You cannot do this"),
        why=_("Your role does not open this page. Ask an administrator of your organisation."),
        icon="lock",
    ),
    HTTPStatus.NOT_FOUND: ErrorPage(
        what=_("There is nothing at this address"),
        why=_("It may have been deleted, or the link may belong to another organisation."),
        icon="search",
    ),
    HTTPStatus.CONFLICT: ErrorPage(
        what=_("Somebody changed this first"),
        why=_("Reload the page to see the current state, then make your change again."),
        icon="refresh",
        retry=True,
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorPage(
        what=_("The file is larger than the box accepts"),
        why=_("Send a smaller file, or ask the operator of the box to raise the limit."),
        icon="upload",
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: ErrorPage(
        what=_("Some of what you entered cannot be used"),
        why=_("Go back, correct the fields and send again."),
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ErrorPage(
        what=_("Too many attempts in a short time"),
        why=_("Wait a minute and try again."),
        icon="clock",
        retry=True,
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: ErrorPage(
        what=_("Something went wrong on our side"),
        why=_("Nothing you entered was lost. Try again; if it happens again, give support the code below."),
        retry=True,
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: ErrorPage(
        what=_("The box is busy or starting"),
        why=_("A part of it does not answer yet. Your data is safe; try again in a moment."),
        icon="server",
        retry=True,
    ),
}
# What an action or a guard has to say itself is better than a general sentence.
SPEAK_FOR_THEMSELVES = frozenset(
    {HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS}
)


def page_for(status: int, detail: str) -> ErrorPage:
    is_ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    page = PAGES.get(status) or PAGES[HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.BAD_REQUEST]
    return replace(page, why=detail) if status in SPEAK_FOR_THEMSELVES and detail else page
