"""Contacts with a past: merged, imported."""

from uuid import UUID

from appliance.core.ids import new_id
from appliance.core.uow import UnitOfWork
from appliance.domains.contacts import actions
from appliance.domains.contacts.types import Sheet
from tests.factories.contacts import make_contact


def make_merge(uow: UnitOfWork) -> UUID:
    return actions.merge_contacts(uow, make_contact(uow).id, make_contact(uow).id).id


def make_import(uow: UnitOfWork) -> UUID:
    sheet = Sheet(encoding="utf-8", delimiter=",", headers=["nome", "email"], sample=[["Davi", "davi@loja.example"]], rows=1)
    return actions.create_import(uow, new_id(), "clientes.csv", sheet).id


PATH_PARAMETERS = {"contact_id": lambda uow: make_contact(uow).id, "merge_id": make_merge, "import_id": make_import}
