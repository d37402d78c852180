"""Contacts with a past: merged, imported, put into segments."""

from uuid import UUID

from appliance.core import files
from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.rules.duplicates import pair
from appliance.domains.contacts.schemas import Condition, DuplicatesQuery, SegmentGroup, SegmentIn, SegmentTree
from appliance.domains.contacts.types import Likeness, SegmentField, SegmentTest, Sheet
from tests.factories.contacts import make_contact


def make_merge(uow: UnitOfWork) -> UUID:
    return actions.merge_contacts(uow, make_contact(uow).id, make_contact(uow).id).id


def make_duplicate(uow: UnitOfWork) -> UUID:
    one, other = make_contact(uow, name="Ana Prado", email=None), make_contact(uow, name="Ana Prado", phone=None)
    actions.suggest(uow, [pair(one.id, other.id, Likeness.NAME)])
    return queries.list_duplicates(uow, DuplicatesQuery(limit=1)).items[0].id


def make_import(uow: UnitOfWork) -> UUID:
    sheet = Sheet(encoding="utf-8", delimiter=",", headers=["nome", "email"], sample=[["Davi", "davi@loja.example"]], rows=1)
    return actions.create_import(uow, make_file(uow), "clientes.csv", sheet).id


def make_file(uow: UnitOfWork) -> UUID:
    """The row of one, without its bytes."""
    file_id = new_id()
    uow.session.add(
        files.StoredFile(id=file_id, tenant_id=uow.tenant_id, origin=files.Origin.ARRIVED, state=files.FileState.FRESH,
                         put_by_kind="system", created_at=uow.now)
    )  # fmt: skip
    uow.session.flush()
    return file_id


def make_segment(uow: UnitOfWork) -> UUID:
    condition = Condition(field=SegmentField.TAG, test=SegmentTest.HAS, value="vip")
    tree = SegmentTree(groups=[SegmentGroup(conditions=[condition])])
    return actions.create_segment(uow, SegmentIn(name=f"VIP {new_id()}", tree=tree)).id


def make_awaited(uow: UnitOfWork) -> UUID:
    contact = make_contact(uow)
    asking = actions.Asking(contact.email or "", new_id(), "lead: Site", "Aceito receber ofertas.", {"ip": "10.0.0.9"})
    awaited = actions.ask_confirmation(uow, contact.id, asking)
    assert awaited is not None
    return awaited.id


PATH_PARAMETERS = {
    "awaited_id": make_awaited,
    "confirmation": lambda _uow: "x" * 40,
    "segment_id": make_segment,
    "contact_id": lambda uow: make_contact(uow).id,
    "merge_id": make_merge,
    "duplicate_id": make_duplicate,
    "import_id": make_import,
}
