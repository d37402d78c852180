"""A read prepared once stays inside its tenant, like those that go through the session."""

import pytest
from sqlalchemy import bindparam, exists, literal_column, or_, select, text
from sqlalchemy.orm import aliased

from appliance.core.db import NoTenant
from appliance.core.prepared import Prepared
from appliance.core.tenancy import TenantKey
from tests.core.ledger import Entry, make_entry

ALL = Prepared(select(Entry.account))
NAMED = Prepared(select(Entry.account).where(or_(Entry.account.in_(bindparam("names", expanding=True)), Entry.note == "")))


@pytest.fixture
def two_tenants(box, tenant_id, other_tenant_id):
    for owner, name in ((tenant_id, "mine"), (other_tenant_id, "theirs")):
        with box.unit(owner) as uow:
            make_entry(uow, name)


@pytest.mark.usefixtures("two_tenants")
def test_a_prepared_read_sees_the_rows_of_its_unit_and_no_others(box, tenant_id, other_tenant_id):
    for owner, name in ((tenant_id, "mine"), (other_tenant_id, "theirs"), (tenant_id, "mine")):
        with box.unit(owner, read_only=True) as uow:
            assert [tuple(row) for row in ALL.rows(uow)] == [(name,)]
            assert [tuple(row) for row in NAMED.rows(uow, names=["mine", "theirs"])] == [(name,)]


@pytest.mark.usefixtures("two_tenants")
def test_it_finds_nothing_where_no_tenant_was_named(box):
    with box.whole_box("test") as uow:
        assert ALL.rows(uow) == []


def test_it_sees_what_its_unit_wrote_a_moment_ago(box, tenant_id):
    with box.unit(tenant_id) as uow:
        uow.session.add(Entry(account="new", note=""))
        assert [tuple(row) for row in ALL.rows(uow)] == [("new",)]


@pytest.mark.parametrize("wanted", [
    select(Entry.account, TenantKey.wrapped),
    select(Entry.account).where(exists(select(TenantKey.wrapped))),
    select(Entry.account).where(exists(select(aliased(Entry).account))),
    select(Entry.account).where(exists(select(Entry.id))),
    select(TenantKey.wrapped),
    select(1),
    select(Entry.account).where(text("1=1 OR 1=1")),
    select(Entry.account, literal_column("(SELECT wrapped FROM tenant_keys)")),
], ids=[
    "two tables", "another in a condition", "an alias", "itself in a condition", "one that nobody owns", "none", "text", "a column of text",
])
def test_a_read_of_anything_but_one_owned_table_cannot_be_prepared(wanted):
    with pytest.raises(NoTenant):
        Prepared(wanted)
