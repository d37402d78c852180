"""From any JSON to the fields of a lead. A path is JMESPath (https://jmespath.org/specification.html); a leading `$.` is understood too.

A field that nobody mapped is found by what its key is called; one mapped to nothing is left out.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from math import prod
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

from appliance.core.errors import Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.leads.types import Found, LeadField, Reading

LONGEST_VALUE = 1000
_DEEPEST = 4
_MOST_KEYS = 300
_LONGEST_KEY, _MOST_PLACES = 100, 5000  # each place is told with all keys above it: without an end a megabyte becomes thirty thousand
_MOST_GROWTH = 256
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_NAMED = ("name", "key", "field", "label", "id", "question")  # [{"name": "email", "values": ["a@b"]}], as forms send their answers
_VALUED = ("value", "values", "answer", "answers")
_YES = frozenset({"1", "true", "yes", "on", "sim", "s", "y", "aceito", "accepted", "opt_in", "granted"})
_SPOKEN = {
    LeadField.EVENT_ID: "event_id eventid webhook_id submission_id response_id",
    LeadField.EXTERNAL_ID: "lead_id leadid leadgen_id external_id id_externo contact_id",
    LeadField.SCORE: "score pontuacao lead_score",
    LeadField.CONSENT: "consent consentimento opt_in optin aceite lgpd marketing_consent accepts_marketing",
    LeadField.CONSENT_TEXT: "consent_text texto_do_consentimento texto_consentimento",
    **{name: name.value for name in LeadField if name.startswith("utm_")},
    LeadField.UTM_SOURCE: "utm_source platform",
    LeadField.UTM_CAMPAIGN: "utm_campaign campaign_name",
    LeadField.UTM_CONTENT: "utm_content ad_name",
}
_FIELD_OF = {word: name for name, words in _SPOKEN.items() for word in words.split()}
GuessNames = Callable[[Iterable[str]], Mapping[str, str]]


def event_key(event_id: str, body: bytes) -> str:
    """Who names no event sends the same body when they repeat themselves."""
    return sha256(f"id:{event_id}".encode() if event_id else b"body:" + body).hexdigest()


def check_path(path: str) -> None:
    """Raises Refused."""
    try:
        _compiled(path)
    except JMESPathError as err:
        raise Refused(_("%(path)s is not a path. Write it like contact.email or answers[0].value.", path=path)) from err


def read(payload: object, mapping: Mapping[str, str], guess_names: GuessNames) -> Reading:
    """`guess_names` tells what keys of a person's data hold, by their names."""
    guessed = suggest(payload, guess_names, taken=frozenset(path.removeprefix("$.") for path in mapping.values()))
    found = {}
    for name in LeadField:
        path = mapping.get(name, guessed.get(name, ""))
        if path:
            found[name] = Found(path, _text(_search(path, payload)), guessed=name not in mapping)
    return Reading(found)


def suggest(payload: object, guess_names: GuessNames, taken: Collection[str] = ()) -> dict[LeadField, str]:
    """A path for each field whose place the names of the keys give away; the least deep wins. Paths that are `taken` are not free."""
    places: dict[str, str] = {}
    for name, path in sorted(islice(_places(payload, "", 0), _MOST_PLACES), key=lambda place: place[1].count(".")):
        if len(places) < _MOST_KEYS and path not in taken:
            places.setdefault(name, path)
    people = guess_names(list(places))
    found: dict[LeadField, str] = {}
    for name, path in places.items():
        wanted = _FIELD_OF.get(_word(name)) or people.get(name, "")
        if wanted in set(LeadField):
            found.setdefault(LeadField(wanted), path)
    return found


def is_yes(value: str) -> bool:
    return value.strip().casefold() in _YES


def score_of(value: str) -> int | None:
    """0 to 100, or None when it is no number."""
    try:
        return max(0, min(100, round(float(value.replace(",", ".")))))
    except (ValueError, OverflowError):
        return None


def _places(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Name and path of all that may be one value."""
    if isinstance(value, dict) and depth < _DEEPEST:
        for key, inner in value.items():
            if len(key) > _LONGEST_KEY:
                continue
            here = f"{path}.{_quoted(str(key))}" if path else _quoted(str(key))
            if isinstance(inner, str | int | float | bool) or _is_texts(inner):
                yield str(key), here
            else:
                yield from _places(inner, here, depth + 1)
    elif isinstance(value, list) and depth < _DEEPEST and value and all(isinstance(item, dict) for item in value):
        yield from _answers(value, path)


def _answers(items: Sequence[Mapping[str, object]], path: str) -> Iterator[tuple[str, str]]:
    name_key = next((key for key in _NAMED if all(isinstance(item.get(key), str) for item in items)), None)
    value_key = next((key for key in _VALUED if all(key in item for item in items)), None)
    if name_key is None or value_key is None:
        return
    for item in items:
        name = str(item[name_key])
        yield name, f"{path}[?{_quoted(name_key)}=={_literal(name)}].{value_key} | [0]"


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _quoted(key: str) -> str:
    return key if _PLAIN.match(key) else json.dumps(key)


def _literal(text: str) -> str:
    return "`" + json.dumps(text).replace("`", "\\`") + "`"


def _word(key: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).casefold()))


def _search(path: str, payload: object) -> object:
    try:
        return _compiled(path).search(payload)
    except (JMESPathError, TypeError, ValueError, RecursionError):  # a function of the path met a value it does not take
        return None


@lru_cache(maxsize=2048)
def _compiled(path: str) -> ParsedResult:
    """Raises JMESPathError, also for a path that could make too much of what it finds."""
    found = jmespath.compile(path.removeprefix("$.").removeprefix("$"))
    if _growth(found.parsed) > _MOST_GROWTH:
        raise JMESPathError(path)
    return found


def _growth(node: Mapping[str, Any]) -> int:
    """How many times its input a path may become: `[@,@]|[@,@]` is four of it, and each function may double what it is given."""
    parts = node["children"]
    own = {"multi_select_list": len(parts), "multi_select_dict": len(parts), "function_expression": 2}.get(node["type"], 1)
    return own * prod(_growth(part) for part in parts if isinstance(part, dict))


def _text(value: object) -> str:
    match value:
        case None | dict():
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(filter(None, map(_text, value)))[:LONGEST_VALUE]
        case _:
            whole = str(value).encode("utf-8", "replace").decode()  # a page that cuts text may leave half an emoji
            return whole.replace("\x00", "").strip()[:LONGEST_VALUE]
