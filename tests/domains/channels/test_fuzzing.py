"""A signed webhook may still hold anything: what is not understood is named or left, and nothing breaks on it."""

import copy
import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.domains.channels.gateways.cloud import addressing, inbound
from tests.peers.graph import text_webhook

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5), max_leaves=20,
)  # fmt: skip
WHOLE = text_webhook("Olá")


def places(value, path=()):
    """Every key and index of a webhook as Meta sends it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield (*path, name)
        yield from places(part, (*path, name))


def put(payload, path, value):
    changed = copy.deepcopy(payload)
    at = changed
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return changed


def read(payload):
    with suppress(inbound.TooDeep):
        for change in inbound.changes_of(payload):
            json.dumps(list(change.rejected))
            repr(change)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(["object", "entry", "changes", "value"]), ANYTHING, max_size=4))
def test_anything_at_all(payload):
    read(payload)
    addressing.ends_of(payload)


@settings(max_examples=600)
@given(st.sampled_from(list(places(WHOLE))), ANYTHING)
def test_a_webhook_with_one_value_replaced(path, value):
    changed = put(WHOLE, path, value)
    read(changed)
    for number in addressing.ends_of(changed):
        addressing.where(changed, lambda place, found, number=number: place < 10 and found == number)


@given(st.sampled_from(["image", "interactive", "location", "contacts", "reaction", "button", "order", "unsupported", "sticker"]), ANYTHING)
def test_a_message_of_any_kind_with_any_content(kind, value):
    payload = copy.deepcopy(WHOLE)
    message = payload["entry"][0]["changes"][0]["value"]["messages"][0]
    message.update({"type": kind, kind: value})
    read(payload)


def test_what_is_nested_like_an_attack_is_told_apart_before_it_is_walked():
    payload = WHOLE
    for _ in range(5000):
        payload = {"entry": [payload]}
    assert addressing.is_too_deep("[" * 5000, payload)
