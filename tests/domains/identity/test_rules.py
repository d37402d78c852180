import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import Refused
from appliance.core.ids import new_id
from appliance.domains.identity.errors import BeyondOwnRights, LastOwner, SessionOver, UnknownPermission, WeakPassword
from appliance.domains.identity.rules import access, chain, names, passwords, throttling, tokens

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
ids = st.uuids(version=4)
moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
scalars = st.none() | st.booleans() | st.integers() | st.text()
json_values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
json_objects = st.none() | st.dictionaries(st.text(), json_values, max_size=3)


@pytest.mark.parametrize("good", ["girafa-violeta-trem-sereno", "Xk29!mPq71zz#", "ação e reação", "correct donkey battery staple"])
def test_long_and_uncommon_passwords_are_taken(good):
    passwords.check_password(good, about=("ana@solara.example", "Ana Prado"))


@pytest.mark.parametrize(
    "bad",
    [
        "", "short", "elevenchars", "x" * 201, "aaaaaaaaaaaaaa", "abababababab", "123456789012", "Password1234", "PASSWORD12345!",
        "senhasenhasenha", "Salesedge2026!!", "qwertyuiopasdf", "lkjhgfdsapoiuytrewq",
        "anaprado2024!", "ana.prado@solara", "SolaraEnergia1", "correcthorsebatterystaple",
    ],
)  # fmt: skip
def test_short_common_and_personal_passwords_are_refused(bad):
    with pytest.raises(WeakPassword):
        passwords.check_password(bad, about=("ana.prado@solara.example", "Ana Prado", "Solara Energia"))


@given(st.text(max_size=11))
def test_no_password_under_twelve_characters_is_taken(password):
    with pytest.raises(WeakPassword):
        passwords.check_password(password)


def test_every_listed_password_is_refused():
    for listed in passwords.BREACHED:
        with pytest.raises(WeakPassword):
            passwords.check_password(listed)


@given(st.integers(1, 50), st.integers(0, 40))
def test_nobody_is_heard_more_often_than_the_limit_in_one_window(limit, extra):
    tally, heard = None, 0
    for _ in range(limit + extra):
        if tally and throttling.wait_of(tally, NOW):
            continue
        tally, heard = throttling.count(tally, NOW, limit=limit), heard + 1
    assert heard == limit or heard == limit + extra < limit


@given(st.integers(1, 50))
def test_a_new_window_starts_from_nothing(failures):
    old = throttling.Tally(failures, NOW - throttling.WINDOW)
    assert throttling.count(old, NOW, limit=10) == throttling.count(None, NOW, limit=10)


@given(st.integers(0, 9), st.timedeltas(timedelta(0), throttling.WINDOW - timedelta(microseconds=1)))
def test_a_success_takes_only_its_own_attempt_back(failures, age):
    before = throttling.Tally(failures, NOW - age)
    assert throttling.forgive(throttling.count(before, NOW, limit=60)) == before


@given(ids, ids)
def test_an_access_token_says_what_was_put_in(user_id, session_id):
    now = datetime.now(UTC)
    access_ = tokens.Access(user_id, session_id)
    assert tokens.read_access(tokens.issue_access(access_, KEY, now), KEY) == access_


@given(st.text(max_size=400) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_is_taken_for_a_token(text):
    with pytest.raises(SessionOver):
        tokens.read_access(text, KEY)
    with pytest.raises(SessionOver):
        tokens.read_refresh(text, KEY)


@given(ids, st.binary(min_size=25, max_size=25), st.data())
def test_a_refresh_token_names_its_session_and_bears_no_change(session_id, random, data):
    token = tokens.make_refresh(session_id, KEY, random)
    assert tokens.read_refresh(token, KEY) == session_id
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([char for char in string.ascii_letters + string.digits if char != token[place]]))
    changed = token[:place] + other + token[place + 1 :]
    with pytest.raises(SessionOver):
        tokens.read_refresh(changed, KEY)


def test_a_key_shows_where_it_belongs_and_little_more():
    key = tokens.make_api_key("solar-cia", bytes(range(16)))
    assert key == "org_solar-cia_000102030405060708090a0b0c0d0e0f"
    assert tokens.hint_of(key) == "org_solar-cia_0001"


@given(st.text(max_size=80))
def test_every_name_gives_a_slug_that_the_api_takes(name):
    slug = names.slug_of(name)
    assert 0 < len(slug) <= names.MAX_SLUG
    assert all(part and set(part) <= set(string.ascii_lowercase + string.digits) for part in slug.split("-"))
    assert names.slug_of(slug) == slug


@given(st.emails())
def test_an_address_is_folded_once_and_for_all(email):
    assert names.fold_email(f" {email.upper()} ") == names.fold_email(names.fold_email(email.upper()))


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd"])
def test_a_time_zone_that_does_not_exist_is_refused(timezone):
    with pytest.raises(Refused):
        names.check_timezone(timezone)


permission_sets = st.frozensets(st.sampled_from(["a:read", "a:write", "b:read", "b:write", "c:read"]))


@given(permission_sets, permission_sets)
def test_nobody_gives_what_they_do_not_have(wanted, own):
    try:
        access.check_may_grant(wanted, own)
        assert wanted <= own
    except BeyondOwnRights:
        assert wanted - own


@given(permission_sets, permission_sets)
def test_a_key_can_do_nothing_its_owner_cannot(scopes, permissions):
    assert access.effective(scopes, permissions) == scopes & permissions
    assert access.effective(None, permissions) == permissions


def test_unknown_permissions_are_named():
    with pytest.raises(UnknownPermission, match="x:y"):
        access.check_permissions_exist(["a:read", "x:y"], frozenset({"a:read"}))


@given(st.sampled_from(["owner", "admin", "agent", ""]), st.booleans(), st.integers(0, 3))
def test_an_organisation_never_loses_its_last_owner(role_before, stays_owner, others):
    try:
        access.check_an_owner_remains(role_before=role_before, stays_owner=stays_owner, other_owners=others)
        assert role_before != "owner" or stays_owner or others
    except LastOwner:
        assert (role_before, stays_owner, others) == ("owner", False, 0)


@pytest.mark.parametrize("key", ["owner", "read_only", "operator", "taken"])
def test_a_role_takes_no_name_that_is_used(key):
    with pytest.raises(Refused):
        access.check_role_key_free(key, ["taken"])


links = st.builds(
    chain.Link,
    tenant_id=st.just(UUID(int=7)), seq=st.just(0), at=moments, actor_kind=st.sampled_from(["user", "system"]), actor_id=st.none() | ids,
    actor_name=st.text(max_size=20), action=st.sampled_from(["role.changed", "member.joined"]), object_kind=st.text(max_size=10),
    object_id=st.text(max_size=10), ip=st.ip_addresses().map(str), request_id=st.text(max_size=8),
    before=json_objects, after=json_objects,
)  # fmt: skip


def chained(raw):
    rows, previous = [], chain.GENESIS
    for seq, link in enumerate(raw, 1):
        link = replace(link, seq=seq)  # noqa: PLW2901
        previous = chain.hash_of(link, previous, KEY)
        rows.append((link, previous))
    return rows, (len(rows), previous)


@given(st.lists(links, max_size=6))
def test_an_untouched_chain_holds(raw):
    rows, head = chained(raw)
    assert chain.find_fault(UUID(int=7), rows, head, KEY) is None


@given(st.lists(links, min_size=1, max_size=6), st.data())
def test_a_removed_line_shows_wherever_it_was(raw, data):
    rows, head = chained(raw)
    gone = data.draw(st.integers(0, len(rows) - 1))
    fault = chain.find_fault(UUID(int=7), rows[:gone] + rows[gone + 1 :], head, KEY)
    assert fault is not None
    assert fault.reason == "removed"


@given(st.lists(links, min_size=1, max_size=6), st.data())
def test_an_edited_line_shows_and_is_named(raw, data):
    rows, head = chained(raw)
    place = data.draw(st.integers(0, len(rows) - 1))
    link, carried = rows[place]
    later = link.at + timedelta(seconds=1)
    changes = [{"actor_name": link.actor_name + "x"}, {"at": later}, {"after": {"x": "y" * 40}}, {"actor_id": new_id()}]
    rows[place] = (replace(link, **data.draw(st.sampled_from(changes))), carried)
    fault = chain.find_fault(UUID(int=7), rows, head, KEY)
    assert fault is not None
    assert (fault.seq, fault.reason) == (place + 1, "edited")


@given(st.lists(links, min_size=1, max_size=4))
def test_a_chain_rewritten_without_the_key_shows(raw):
    rows, head = chained(raw)
    assert chain.find_fault(UUID(int=7), rows, head, b"another" * 5) is not None


secret_names = st.sampled_from(["password", "new_password", "apiKey", "api_key", "token_sha256", "client_secret", "cookie", "code"])


@given(secret_names, json_values.filter(lambda value: value is not None))
def test_secrets_are_masked_however_deep_they_lie(name, value):
    assert chain.mask({"a": [{name: value}], name: value, "name": "Ana"}) == {"a": [{name: chain.MASK}], name: chain.MASK, "name": "Ana"}


def test_nothing_masked_is_nothing():
    assert chain.mask(None) is None
    assert chain.mask({"password": None, "at": NOW}) == {"password": None, "at": NOW.isoformat(timespec="microseconds")}
