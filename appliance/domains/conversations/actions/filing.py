"""Labels: what conversations are filed under."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from appliance.core.errors import Conflict
from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import new_id
from appliance.core.rows import check_room, insert_if_absent, unique
from appliance.core.uow import UnitOfWork
from appliance.domains.conversations import queries
from appliance.domains.conversations.events import ConversationChanged, LabelsChanged
from appliance.domains.conversations.queries import ready
from appliance.domains.conversations.tables import Conversation, Label
from appliance.domains.conversations.types import LabelColour

SLICE = 200


def change_labels(uow: UnitOfWork, conversation_id: UUID, labels: Sequence[str]) -> Conversation:
    conversation = queries.lock_conversation(uow, conversation_id)
    conversation.labels = _made(uow, labels)
    uow.emit(ConversationChanged(conversation.id))
    return conversation


def add_labels(uow: UnitOfWork, conversation: Conversation, labels: Iterable[str]) -> None:
    conversation.labels = _made(uow, [*conversation.labels, *labels])


def _made(uow: UnitOfWork, labels: Iterable[str]) -> list[str]:
    """Those names as the organisation writes them; a new one is made."""
    wanted = {" ".join(label.split()) for label in labels} - {""}
    known = {row.name.casefold(): row.name for row in ready.list_labels(uow)}
    new = {name.casefold() for name in wanted} - set(known)
    if new:
        check_room(uow, Label, ready.MOST, len(new))
    for name in sorted(wanted):
        if name.casefold() not in known:
            known[name.casefold()] = name
            row = {"id": new_id(), "tenant_id": uow.tenant_id, "name": name, "colour": LabelColour.GREY}
            insert_if_absent(uow, Label, row)
    return sorted({known[name.casefold()] for name in wanted})


def create_label(uow: UnitOfWork, fields: dict[str, Any]) -> Label:
    check_room(uow, Label, ready.MOST)
    label = Label(id=new_id(), tenant_id=uow.tenant_id)
    _save(uow, label, fields)
    return label


def change_label(uow: UnitOfWork, label_id: UUID, changes: dict[str, Any]) -> Label:
    """Its conversations are filed under the new name."""
    label = ready.get_label(uow, label_id)
    old = label.name
    _save(uow, label, {name: value for name, value in changes.items() if value})
    if label.name != old:
        _replace(uow, old, [label.name])
    return label


def delete_label(uow: UnitOfWork, label_id: UUID) -> None:
    label = ready.get_label(uow, label_id)
    _replace(uow, label.name, [])
    uow.session.delete(label)
    uow.emit(LabelsChanged(label.id))


def _replace(uow: UnitOfWork, old: str, new: list[str]) -> None:
    """Slice by slice, ids and labels only: a label may stand on most of what there is. LabelsChanged tells the lists."""
    is_filed = ready.holds(uow, Conversation.labels, old)
    filed = select(Conversation.id, Conversation.labels).where(is_filed).order_by(Conversation.id).limit(SLICE)
    rows = uow.session.execute(filed.with_for_update()).all()
    while rows:
        changed = [{"id": row.id, "labels": sorted({*row.labels, *new} - {old})} for row in rows]
        uow.session.execute(update(Conversation), changed)
        rows = uow.session.execute(filed.where(Conversation.id > rows[-1].id).with_for_update()).all()
    for held in uow.session.identity_map.values():
        if isinstance(held, Conversation):
            uow.session.expire(held, ["labels"])


def _save(uow: UnitOfWork, label: Label, fields: dict[str, Any]) -> None:
    """Raises Conflict about a name that another has, in capitals or not."""
    taken = _("There is a label of this name already.")
    others = {row.name.casefold() for row in ready.list_labels(uow) if row.id != label.id}
    if fields.get("name", "").casefold() in others:
        raise Conflict(taken)
    with unique(uow, taken):
        for name, value in fields.items():
            setattr(label, name, value)
        uow.session.add(label)
    uow.emit(LabelsChanged(label.id))
