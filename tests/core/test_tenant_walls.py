import pytest
from sqlalchemy import delete, insert, select, text, update

from appliance.core.db import CrossTenantWrite, NoTenant
from appliance.core.ids import NIL
from tests.core.ledger import Entry, entries, make_entry


@pytest.fixture
def entry_of_other(box, other_tenant_id):
    with box.unit(other_tenant_id) as uow:
        return make_entry(uow, "theirs")


def test_one_tenant_never_sees_the_rows_of_another(box, tenant_id, entry_of_other):
    with box.unit(tenant_id) as uow:
        assert entries(uow) == []
        assert uow.session.get(Entry, entry_of_other.id) is None


def test_bulk_changes_stay_inside_the_tenant(box, tenant_id, other_tenant_id, entry_of_other):
    with box.unit(tenant_id) as uow:
        uow.session.execute(update(Entry).values(note="taken"))
        uow.session.execute(delete(Entry))
    with box.unit(other_tenant_id) as uow:
        assert [entry.note for entry in entries(uow)] == [""]


def test_a_row_of_another_tenant_cannot_be_written(box, tenant_id, other_tenant_id):
    with pytest.raises(CrossTenantWrite), box.unit(tenant_id) as uow:
        uow.session.add(Entry(tenant_id=other_tenant_id, account="smuggled"))
    with pytest.raises(CrossTenantWrite), box.unit(tenant_id) as uow:
        uow.session.execute(insert(Entry), [{"tenant_id": other_tenant_id, "account": "smuggled", "note": ""}])
    with pytest.raises(CrossTenantWrite), box.unit(tenant_id) as uow:
        uow.session.execute(insert(Entry).values(tenant_id=other_tenant_id, account="smuggled", note=""))


def test_a_row_cannot_be_moved_to_another_tenant(box, tenant_id, other_tenant_id):
    with box.unit(tenant_id) as uow:
        entry = make_entry(uow, "mine")
    with pytest.raises(CrossTenantWrite), box.unit(tenant_id) as uow:
        uow.session.get_one(Entry, entry.id).tenant_id = other_tenant_id


def test_an_unscoped_query_raises(box):
    with box.database.session() as session, pytest.raises(NoTenant):
        session.execute(select(Entry))


def test_the_bare_table_is_out_of_reach(box, tenant_id):
    with box.unit(tenant_id) as uow, pytest.raises(NoTenant):
        uow.session.execute(select(Entry.__table__))


def test_the_box_scope_sees_all_tenants(box, tenant_id, entry_of_other):
    with box.unit(tenant_id) as uow:
        make_entry(uow, "mine")
    with box.whole_box("test") as uow:
        assert {entry.account for entry in entries(uow)} == {"mine", "theirs"}


@pytest.mark.only_database("postgresql")
def test_postgresql_alone_keeps_tenants_apart_when_the_session_guard_is_off(box, tenant_id, other_tenant_id, entry_of_other):
    with box.unit(tenant_id) as uow:
        uow.session.info["orm_guard"] = "off"
        assert entries(uow) == []
        assert uow.session.execute(update(Entry).values(note="taken")).rowcount == 0
        assert uow.session.scalar(text("SELECT count(*) FROM test_entries")) == 0
    with pytest.raises(Exception, match="row-level security"), box.unit(tenant_id) as uow:
        uow.session.info["orm_guard"] = "off"
        uow.session.add(Entry(tenant_id=other_tenant_id, account="smuggled"))


@pytest.mark.only_database("postgresql")
def test_a_pooled_connection_forgets_its_tenant(box, tenant_id, entry_of_other):
    with box.unit(entry_of_other.tenant_id) as uow:
        assert len(entries(uow)) == 1
    with box.database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM test_entries")) == 0
        assert connection.scalar(text("SELECT current_setting('app.tenant_id', true)")) in {"", None, str(NIL)}
