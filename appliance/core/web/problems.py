"""Errors as RFC 9457 problem documents, in the caller's language."""

from collections.abc import Callable, Mapping
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
    "int_parsing": _("Enter a whole number."),
    "float_parsing": _("Enter a number."),
    "bool_parsing": _("Enter yes or no."),
    "uuid_parsing": _("This is not a valid identifier."),
    "enum": _("Choose one of the listed values."),
    "literal_error": _("Choose one of the listed values."),
    "json_invalid": _("This is not valid JSON."),
}
# with what the field expects, as pydantic names it
_BOUNDS: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "greater_than_equal": lambda field: _("Enter %(least)s or more.", least=field["ge"]),
    "less_than_equal": lambda field: _("Enter %(most)s or less.", most=field["le"]),
    "greater_than": lambda field: _("Enter more than %(limit)s.", limit=field["gt"]),
    "less_than": lambda field: _("Enter less than %(limit)s.", limit=field["lt"]),
    "string_pattern_mismatch": lambda field: _FORMS.get(field["pattern"], _("This does not have the expected form.")),
}
_FORMS: Mapping[str, Any] = {
    r"\S": _("This is needed."),
    r"^#[0-9a-fA-F]{6}$": _("Enter a colour like #0b6b5d."),
    r"^[0-9]{8,15}$": _("Enter the number with the country's code, 8 to 15 digits."),
    r"^([0-9]{8,15})?$": _("Enter the number with the country's code, 8 to 15 digits."),
    r"^[a-z0-9]+(-[a-z0-9]+)*$": _("Only small letters without accents, digits and hyphens between them."),
    r"^[a-z0-9][a-z0-9_-]*$": _("Only small letters without accents, digits, hyphens and underscores."),
    r"^[a-z0-9_]+$": _("Only small letters without accents, digits and underscores."),
    r"^(https?://\S+)?$": _("Enter an address that begins with https:// or http://."),
    r"^[A-Za-z0-9-]+$": _("Only letters without accents, digits and hyphens."),
}


def refusal_of(err: ValidationError) -> Refused:
    """One sentence a field, tied to its path."""
    fields = {".".join(str(part) for part in item["loc"]) or "body": _sentence(item) for item in err.errors(include_context=True)}
    return Refused(_("Some fields need attention."), fields=fields)


def _sentence(item: Mapping[str, Any]) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if item["type"] in _BOUNDS:
        return str(_BOUNDS[item["type"]](item["ctx"]))
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
