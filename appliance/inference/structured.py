"""JSON that obeys a schema, from engines that promise it and do not always keep the promise."""

import json
from collections.abc import Callable

import jsonschema

from appliance.core.i18n import lazy_gettext as _
from appliance.inference.errors import SchemaNotMet
from appliance.inference.types import ChatResult, JsonSchema

ATTEMPTS = 3


def insist(ask: Callable[[], ChatResult], schema: JsonSchema) -> ChatResult:
    """Ask until the text obeys `schema`. Raises SchemaNotMet after the last attempt."""
    for _attempt in range(ATTEMPTS):
        result = ask()
        if obeys(result.text, schema):
            return result
    raise SchemaNotMet(_("The model did not produce the structured answer it was asked for."))


def obeys(text: str, schema: JsonSchema) -> bool:
    try:
        jsonschema.validate(json.loads(text), dict(schema))
    except (json.JSONDecodeError, jsonschema.ValidationError):
        return False
    return True
