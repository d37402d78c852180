"""Contacts with a past: merged, imported, put into segments."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions
from appliance.domains.contacts.schemas import Condition, SegmentGroup, SegmentIn, SegmentTree
from appliance.domains.contacts.types import SegmentField, SegmentTest, Sheet
from tests.factories.contacts import make_contact


def make_merge(uow: UnitOfWork) -> UUID:
    return actions.merge_contacts(uow, make_contact(uow).id, make_contact(uow).id).id


def make_import(uow: UnitOfWork) -> UUID:
    sheet = Sheet(encoding="utf-8", delimiter=",", headers=["nome", "email"], sample=[["Davi", "davi@loja.example"]], rows=1)
    return actions.create_import(uow, new_id(), "clientes.csv", sheet).id


def make_segment(uow: UnitOfWork) -> UUID:
    condition = Condition(field=SegmentField.TAG, test=SegmentTest.HAS, value="vip")
    tree = SegmentTree(groups=[SegmentGroup(conditions=[condition])])
    return actions.create_segment(uow, SegmentIn(name=f"VIP {new_id()}", tree=tree)).id


PATH_PARAMETERS = {
    "segment_id": make_segment,
    "contact_id": lambda uow: make_contact(uow).id,
    "merge_id": make_merge,
    "import_id": make_import,
}
