"""The list of contacts, and the form that makes and changes one."""

from collections.abc import Iterable
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from pydantic import Field
from werkzeug import Response

from appliance.core.errors import DomainError
from appliance.core.i18n import gettext as _
from appliance.core.uow import UnitOfWork
from appliance.core.web import Form, PageQuery, Schema, parse, read_form
from appliance.domains.contacts import actions, queries
from appliance.domains.contacts.schemas import ContactFields, ContactOut, ContactsQuery
from appliance.domains.contacts.types import ContactSort, Purpose
from appliance.domains.identity import queries as identity
from appliance.domains.identity.schemas import MembersQuery
from webui import naming
from webui.crm.pages import pages
from webui.crm.words import options

TEXT_FIELDS = ("name", "company", "phone", "email", "document", "born_on", "region", "owner_id")


class ListQuery(PageQuery):
    """The address of the list."""

    q: str = Field("", max_length=200)
    tag: str = Field("", max_length=60)
    consent: Purpose | None = None
    sort: ContactSort = ContactSort.NAME

    @property
    def is_filtered(self) -> bool:
        return bool(self.q or self.tag or self.consent)

    def wanted(self) -> ContactsQuery:
        tags = [self.tag] if self.tag else []
        return ContactsQuery(q=self.q, tag=tags, consent=self.consent, sort=self.sort, page=self.page, limit=self.limit)


class ContactForm(Schema):
    """Text as it was typed; an empty box empties the field."""

    name: str = ""
    company: str = ""
    phone: str = ""
    email: str = ""
    document: str = ""
    born_on: str = ""
    region: str = ""
    owner_id: str = ""
    tags: str = ""
    version: int | None = None

    def fields(self) -> ContactFields:
        """Raises Refused for a date or a length that cannot be."""
        given = {name: getattr(self, name) or None for name in TEXT_FIELDS}
        tags = [tag.strip() for tag in self.tags.split(",") if tag.strip()]
        fields: ContactFields = parse(ContactFields, {**given, "name": self.name, "tags": tags})
        return fields


pages.blueprint.add_app_template_filter(naming.person_name, "contact_name")


@pages.get("/contacts", permission="contacts:read", query=ListQuery)
def contacts(uow: UnitOfWork, query: ListQuery) -> str:
    known_tags = queries.list_tags(uow)
    return render_template(
        "crm/contacts.html",
        page=queries.list_contacts(uow, query.wanted()), query=query, filtered=query.is_filtered,
        tag_options=[("", _("Every tag")), *((tag, tag) for tag in known_tags)],
        consent_options=[("", _("Any consent")), *options(Purpose.MARKETING, Purpose.SERVICE)],
        sort_options=options(*ContactSort),
    )  # fmt: skip


@pages.get("/contacts/new", permission="contacts:write")
def new_contact(uow: UnitOfWork) -> str:
    return _form_page(uow, Form(None, {}, {}))


@pages.post("/contacts/new", permission="contacts:write")
def create_contact(uow: UnitOfWork) -> Response | tuple[str, int]:
    form = read_form(ContactForm)
    if form.value is None:
        return _form_page(uow, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        contact = actions.create_contact(uow, form.value.fields())
    except DomainError as err:
        return _form_page(uow, form.refused(err)), err.status
    flash(_("Contact created."))
    return redirect(url_for("crm.contact", contact_id=contact.id))


@pages.get("/contacts/<uuid:contact_id>/edit", permission="contacts:write")
def edit_contact(uow: UnitOfWork, contact_id: UUID) -> str:
    contact = ContactOut.model_validate(queries.get_contact(uow, contact_id))
    shown = {name: str(getattr(contact, name) or "") for name in TEXT_FIELDS if name != "phone"}
    shown |= {"phone": naming.number(contact), "tags": ", ".join(contact.tags)}
    return _form_page(uow, Form(None, {}, shown), contact)


@pages.post("/contacts/<uuid:contact_id>/edit", permission="contacts:write")
def save_contact(uow: UnitOfWork, contact_id: UUID) -> Response | tuple[str, int]:
    form = read_form(ContactForm)
    contact = ContactOut.model_validate(queries.get_contact(uow, contact_id))
    if form.value is None:
        return _form_page(uow, form, contact), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        actions.change_contact(uow, contact_id, form.value.fields(), expected_version=form.value.version)
    except DomainError as err:
        return _form_page(uow, form.refused(err), contact), err.status
    flash(_("Saved."))
    return redirect(url_for("crm.contact", contact_id=contact_id))


@pages.post("/contacts/<uuid:contact_id>/delete", permission="contacts:delete")
def delete_contact(uow: UnitOfWork, contact_id: UUID) -> Response:
    name = naming.person_name(ContactOut.model_validate(queries.get_contact(uow, contact_id)))
    actions.delete_contact(uow, contact_id)
    flash(_("%(name)s was deleted.", name=name))
    return redirect(url_for("crm.contacts"))


def owner_options(uow: UnitOfWork) -> list[tuple[str, str]]:
    members = identity.list_members(uow, MembersQuery(limit=200))
    return [("", _("Nobody")), *((str(member.user_id), member.name) for member in members.items)]


def _form_page(uow: UnitOfWork, form: Form[ContactForm], contact: ContactOut | None = None) -> str:
    known_tags: Iterable[str] = queries.list_tags(uow)
    return render_template(
        "crm/contact_form.html", contact=contact, raw=form.raw, errors=form.errors, owner_options=owner_options(uow), known_tags=known_tags
    )
