"""One contact: facts, ids, consents, history; notes, merging."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, Protocol
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Call, Form, PageQuery, Schema, read_form
from appliance.domains.channels import actions as writing
from appliance.domains.channels import queries as channels
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import (
    ConsentIn,
    ConsentOut,
    ContactOut,
    ContactsQuery,
    MergeOut,
    NoteIn,
    TimelineEntryOut,
)
from appliance.domains.contacts.types import Channel, ConsentMode, LawfulBasis, Purpose
from appliance.domains.conversations import queries as conversations
from appliance.domains.identity import queries as identity
from webui.addresses import url_with
from webui.crm.pages import pages
from webui.crm.words import happening, options
from webui.naming import person_name

UNDO_FOR = timedelta(days=30)
CANDIDATES = 20


class ConsentForm(Schema):
    channel: Channel
    purpose: Purpose
    mode: Literal[ConsentMode.OPT_IN, ConsentMode.OPT_OUT]  # only the mailbox of whose word it is confirms one
    lawful_basis: LawfulBasis
    evidence: str = Field(min_length=1, max_length=500)


class Merge(Protocol):
    @property
    def kept_id(self) -> UUID: ...
    @property
    def gone_id(self) -> UUID: ...


class MergeForm(Schema):
    other_id: UUID


class CandidatesQuery(Schema):
    q: str = Field("", max_length=200)


@dataclass(frozen=True)
class Line:
    icon: str
    text: str
    is_note: bool
    actor: str
    at: datetime


@pages.get("/contacts/<uuid:contact_id>", permission="contacts:read", query=PageQuery)
def contact(uow: UnitOfWork, contact_id: UUID, query: PageQuery) -> Response | str:
    found = queries.get_contact(uow, contact_id)
    if found.id != contact_id:  # it was merged into another
        return redirect(url_for("crm.contact", contact_id=found.id))
    return _page(uow, ContactOut.model_validate(found), query, Form(None, {}, {}))


@pages.post("/contacts/<uuid:contact_id>/notes", permission="contacts:write")
def add_note(uow: UnitOfWork, contact_id: UUID) -> Response:
    form = read_form(NoteIn)
    if form.value is not None:
        actions.add_note(uow, contact_id, form.value.body)
    return redirect(url_for("crm.contact", contact_id=contact_id))


@pages.post("/contacts/<uuid:contact_id>/consents/awaited/<uuid:awaited_id>/ask", permission="contacts:write", unit=False)
def ask_again(call: Call, contact_id: UUID, awaited_id: UUID) -> Response:
    try:
        with call.unit() as uow:
            writing.ask_again(uow, awaited_id)
    except (Conflict, Refused) as err:
        flash(str(err), "bad")
    return redirect(url_for("crm.contact", contact_id=contact_id, _anchor="consents"))


@pages.post("/contacts/<uuid:contact_id>/consents", permission="contacts:write")
def record_consent(uow: UnitOfWork, contact_id: UUID) -> Response | tuple[str, int]:
    form = read_form(ConsentForm)
    try:
        if form.value is not None:
            said = form.value
            actions.record_consent(
                uow, contact_id,
                ConsentIn(
                    channel=said.channel, purpose=said.purpose, mode=said.mode, lawful_basis=said.lawful_basis,
                    source=uow.actor.name[:80] or "web", evidence={"text": said.evidence},
                ),
            )  # fmt: skip
            flash(_("Recorded."))
            return redirect(url_for("crm.contact", contact_id=contact_id, _anchor="consents"))
    except Refused as err:
        form = form.refused(err)
    shown = ContactOut.model_validate(queries.get_contact(uow, contact_id))
    return _page(uow, shown, PageQuery.model_validate({}), form), HTTPStatus.UNPROCESSABLE_ENTITY


@pages.get("/contacts/<uuid:contact_id>/merge", permission="contacts:write", query=CandidatesQuery)
def merge_candidates(uow: UnitOfWork, contact_id: UUID, query: CandidatesQuery) -> str:
    shown = ContactOut.model_validate(queries.get_contact(uow, contact_id))
    q = query.q or shown.name
    found = queries.list_contacts(uow, ContactsQuery(q=q, page=1, limit=CANDIDATES)).items if q else []
    candidates = [ContactOut.model_validate(other) for other in found if other.id != shown.id]
    return render_template("crm/merge.html", contact=shown, q=query.q, candidates=candidates)


@pages.post("/contacts/<uuid:contact_id>/merge", permission="contacts:write")
def merge(uow: UnitOfWork, contact_id: UUID) -> Response:
    form = read_form(MergeForm)
    if form.value is not None:
        done = actions.merge_contacts(uow, contact_id, form.value.other_id)
        flash(merged_words(uow, done))
    return redirect(url_for("crm.contact", contact_id=contact_id))


@pages.post("/contacts/<uuid:contact_id>/merges/<uuid:merge_id>/undo", permission="contacts:write")
def undo_merge(uow: UnitOfWork, contact_id: UUID, merge_id: UUID) -> Response:
    undone = actions.undo_merge(uow, merge_id)
    flash(parted_words(uow, undone))
    return redirect(url_for("crm.contact", contact_id=undone.kept_id or contact_id))


def merged_words(uow: UnitOfWork, done: Merge) -> str:
    return _("%(gone)s is part of %(kept)s now. You can undo it for 30 days.", **_both(uow, done))


def parted_words(uow: UnitOfWork, undone: Merge) -> str:
    return _("%(gone)s and %(kept)s are two contacts again.", **_both(uow, undone))


def _both(uow: UnitOfWork, done: Merge) -> dict[str, str]:
    people = queries.find_with_merged(uow, {done.kept_id, done.gone_id})
    return {"kept": person_name(people.get(done.kept_id)), "gone": person_name(people.get(done.gone_id))}


def _page(uow: UnitOfWork, shown: ContactOut, query: PageQuery, form: Form[ConsentForm]) -> str:
    timeline = queries.list_timeline(uow, shown.id, query)
    merged = _open_merge(uow, shown.id)
    names = identity.names_of(uow, [shown.owner_id]) if shown.owner_id else {}
    return render_template(
        "crm/contact.html",
        contact=shown,
        identities=queries.list_identities(uow, shown.id),
        blocked=_blocked(uow, shown.id),
        consents=_latest(ConsentOut.model_validate(row) for row in queries.list_consents(uow, shown.id)),
        awaited=channels.list_awaited(uow, shown.id)[:1],
        timeline=_lines(uow, [TimelineEntryOut.model_validate(entry) for entry in timeline.items]),
        more_url=url_with(page=query.page + 1) if query.page < timeline.pages else "",
        newer_url=url_with(page=query.page - 1) if query.page > 1 else "",
        lists=queries.list_memberships(uow, shown.id),
        merge=merged,
        merged_name=_both(uow, merged)["gone"] if merged else "",
        owner_name=names.get(shown.owner_id, "") if shown.owner_id else "",
        consent_errors=form.errors,
        consent_raw=form.raw,
        mode_options=options(ConsentMode.OPT_IN, ConsentMode.OPT_OUT), purpose_options=options(*Purpose), channel_options=options(*Channel),
        basis_options=options(*LawfulBasis),
    )  # fmt: skip


def _blocked(uow: UnitOfWork, contact_id: UUID) -> list[str]:
    found = conversations.list_blocked_channels(uow, contact_id)
    return [one.name for one in channels.list_channels(uow) if one.id in found] if found else []


def _lines(uow: UnitOfWork, entries: list[TimelineEntryOut]) -> list[Line]:
    """A note is shown whole; its entry keeps only the beginning."""
    found = queries.find_notes(uow, [entry.object_id for entry in entries if entry.kind == "note.added"])
    notes = {note_id: note.body for note_id, note in found.items()}
    lines = []
    for entry in entries:
        icon, words, is_note = happening(entry)
        lines.append(Line(icon, notes.get(entry.object_id, words), is_note, entry.actor_name, entry.happened_at))
    return lines


def _latest(ledger: Iterable[ConsentOut]) -> list[ConsentOut]:
    """Where the person stands: the last word for each channel and purpose, newest first."""
    stand: dict[tuple[Channel, Purpose], ConsentOut] = {}
    for consent in ledger:
        stand.setdefault((consent.channel, consent.purpose), consent)
    return list(stand.values())


def _open_merge(uow: UnitOfWork, contact_id: UUID) -> MergeOut | None:
    """The latest merge that can still be undone."""
    merges = (row for row in queries.list_merges(uow, contact_id) if row.undone_at is None and row.merged_at > uow.now - UNDO_FOR)
    return next(map(MergeOut.model_validate, merges), None)
