"""Errors as RFC 9457 problem documents, in the caller's language."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, g
from pydantic import ValidationError

from appliance.core.errors import DomainError, Refused, TooMany, Unavailable
from appliance.core.i18n import gettext
from appliance.core.i18n import lazy_gettext as _
from appliance.core.web.schema import Problem

# pydantic's error types that people meet; the rest fall back to a general sentence
_SENTENCES: Mapping[str, Any] = {
    "missing": _("This is needed."),
    "extra_forbidden": _("This field is not known."),
    "string_too_short": _("This is too short."),
    "string_too_long": _("This is too long."),
    "string_pattern_mismatch": _("This does not have the expected form."),
    "int_parsing": _("Enter a whole number."),
    "float_parsing": _("Enter a number."),
    "bool_parsing": _("Enter yes or no."),
    "uuid_parsing": _("This is not a valid identifier."),
    "enum": _("Choose one of the listed values."),
    "literal_error": _("Choose one of the listed values."),
    "greater_than_equal": _("This is too small."),
    "less_than_equal": _("This is too large."),
    "greater_than": _("This is too small."),
    "json_invalid": _("This is not valid JSON."),
}


def refusal_of(err: ValidationError) -> Refused:
    """One sentence a field, tied to its path."""
    fields = {".".join(str(part) for part in item["loc"]) or "body": _sentence(item) for item in err.errors(include_context=True)}
    return Refused(_("Some fields need attention."), fields=fields)


def _sentence(item: Mapping[str, Any]) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return str(_SENTENCES.get(item["type"], _("This value cannot be used.")))


def problem(status: int, detail: object, *, fields: Mapping[str, object] | None = None) -> Problem:
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=str(detail),
        instance=f"urn:request:{g.get('request_id', '')}",
        fields={name: str(sentence) for name, sentence in (fields or {}).items()},
    )


def problem_of(err: DomainError) -> Problem:
    return problem(err.status, err.message, fields=err.fields if isinstance(err, Refused) else None)


def respond(body: Problem) -> Response:
    return Response(body.model_dump_json(), body.status, mimetype="application/problem+json")


def retry_after_of(err: DomainError) -> float | None:
    return err.retry_after if isinstance(err, TooMany | Unavailable) else None


def bug_sentence() -> str:
    return gettext("Something went wrong on our side. Nothing you entered was lost; try again, and give support the code below.")
