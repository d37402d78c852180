"""Whatever stands in a header or in a query, the answer is one that was planned, and it comes soon."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.routes import objects, sweep

pytestmark = pytest.mark.only_database("sqlite")
SOON_S = 15.0
ENOUGH = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LINE = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=300)
NUMBERS = st.sampled_from(["0", "-1", "1e9", "99999999999999999999999", "NaN", "٣", "0x1", " 1", "1.5", "", "null", "true"])
HEADERS = {
    "Range": st.from_regex(r"bytes=[-0-9,]{0,40}") | LINE,
    "If-Match": st.from_regex(r'(W/)?"[^"\n]{0,40}"(, ?"[^"\n]{0,9}"){0,5}') | st.just("*") | LINE,
    "If-None-Match": st.from_regex(r'(W/)?"[^"\n]{0,40}"') | st.just("*") | LINE,
    "Accept-Language": st.from_regex(r"([a-z]{2}(-[A-Z]{2})?(;q=[0-9.]{1,5})?,){0,40}") | LINE,
    "Accept": LINE,
    "Content-Type": st.sampled_from(["multipart/form-data", "multipart/form-data; boundary=", "text/csv;charset=utf-99"]) | LINE,
    "Content-Encoding": LINE,
    "Idempotency-Key": LINE,
    "X-Tenant-ID": LINE,
    "Authorization": LINE.map(lambda text: f"Bearer {text}") | st.from_regex(r"Bearer [\w-]{1,40}\.[\w-]{1,90}\.[\w-]{0,40}") | LINE,
    "X-API-Key": st.from_regex(r"org_[\w-]{0,50}_[0-9a-f]{0,40}") | LINE,
    "X-CSRF-Token": LINE,
    "Cookie": st.from_regex(r"se_session=[^;\n]{0,90}; se_form=[^;\n]{0,40}").filter(str.isascii) | LINE,
    "Last-Event-ID": NUMBERS | LINE,
    "X-Forwarded-For": LINE,
    "User-Agent": LINE,
}


@ENOUGH
@given(data=st.data())
def test_no_header_breaks_the_box(world, data):
    ana = world.enter(world.cast.ana)
    name = data.draw(st.sampled_from(sorted(HEADERS)))
    sent = {name: data.draw(HEADERS[name]).encode("latin-1", "replace").decode("latin-1").replace("\n", " ").replace("\r", " ")}
    body = {"name": "Ana"}
    for method, path in (("GET", "/api/v1/contacts"), ("PATCH", "/api/v1/users/me"), ("POST", "/api/v1/contacts"), ("GET", "/")):
        began = time.process_time()
        answer = ana.open(path, method=method, json=body if method != "GET" else None, headers=sent)
        assert sweep.is_whole(answer), (method, path, sent, answer.status_code)
        assert time.process_time() - began < SOON_S


@ENOUGH
@given(data=st.data())
def test_no_query_breaks_the_box(world, data):
    asked = [door for door in world.guarded if door.method == "GET" and door.query is not None]
    door = data.draw(st.sampled_from(asked))
    values = objects.random_values(door.parameters) | world.make(door.parameters)
    names = [*door.query.model_fields, "page", "limit", "before", "after", "unknown"]
    query = data.draw(st.dictionaries(st.sampled_from(names), NUMBERS | st.text(max_size=200), max_size=5))
    began = time.process_time()
    answer = world.enter(world.cast.ana).get(door.path(values), query_string=query)
    assert sweep.is_whole(answer), (str(door), query, answer.status_code)
    assert time.process_time() - began < SOON_S


@ENOUGH
@given(data=st.data())
def test_no_body_breaks_the_box(world, data):
    """Of the right shape but for one value, which is anything JSON knows."""
    asked = [door for door in world.doors if door.body is not None and not door.is_page and not door.rule.startswith("/api/v1/auth/")]
    door = data.draw(st.sampled_from(asked))
    values = objects.random_values(door.parameters) | world.make(door.parameters)
    body = world.body_for(door, {name: value for name, value in values.items() if name != "tenant_id"})
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=50),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4), max_leaves=9,
    )  # fmt: skip
    body[data.draw(st.sampled_from(sorted(door.body.model_fields)))] = data.draw(anything)
    began = time.process_time()
    answer = world.enter(world.cast.ana).open(door.path(values), method=door.method, json=body)
    assert sweep.is_whole(answer), (str(door), body, answer.status_code)
    assert time.process_time() - began < SOON_S
