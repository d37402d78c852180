"""Templates: kept, handed to the provider for approval, and what the provider says of them."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import select

from appliance.core import files
from appliance.core.box import Box
from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.i18n import told
from appliance.core.ids import NIL, new_id
from appliance.core.rows import check_room, unique
from appliance.core.uow import UnitOfWork, Units
from appliance.domains.channels import queries
from appliance.domains.channels.events import TemplateChanged, TemplateQueued, TemplatesFetched
from appliance.domains.channels.gateways.kinds import gateway_of
from appliance.domains.channels.rules import codes, headers
from appliance.domains.channels.rules import templates as rules
from appliance.domains.channels.schemas import SyncedOut, TemplateIn, TemplatePatch
from appliance.domains.channels.tables import MessageTemplate
from appliance.domains.channels.types import (
    WHATSAPP_CLOUD,
    WRITABLE,
    Account,
    Parts,
    ProviderTemplate,
    TemplateKind,
    TemplateReport,
    TemplateStatus,
)

MOST = 10_000  # an account at Meta holds 6,000


def create_template(uow: UnitOfWork, given: TemplateIn) -> MessageTemplate:
    check_room(uow, MessageTemplate, MOST)
    is_whatsapp = given.kind is TemplateKind.WHATSAPP
    channel_id = _account_of(uow, given.channel_id).channel_id if is_whatsapp else NIL
    parts = codes.own_words(given.kind, given.category, given.language, given.parts)
    template = MessageTemplate(
        id=new_id(), tenant_id=uow.tenant_id, channel_id=channel_id, kind=given.kind, name=given.name, language=given.language,
        category=given.category, parts=asdict(parts), status=TemplateStatus.DRAFT if is_whatsapp else TemplateStatus.READY,
        created_at=uow.now, changed_at=uow.now,
    )  # fmt: skip
    _check_own(uow, template)
    return _kept(uow, template)


def change_template(uow: UnitOfWork, template_id: UUID, given: TemplatePatch) -> MessageTemplate:
    """Of one that the provider has approved or looks at, only what fills its places: its words are the provider's."""
    template = queries.lock_template(uow, template_id)
    changes = {name: getattr(given, name) for name in given.model_fields_set if getattr(given, name) is not None}
    parts = changes.pop("parts", queries.parts_of(template))
    if template.status not in WRITABLE and (changes or _words(parts) != _words(queries.parts_of(template))):
        raise Conflict(_("WhatsApp has this template as it is. Make a copy under another name to word it anew."))
    if template.provider_id and {"name", "language"} & changes.keys():
        raise Conflict(_("WhatsApp knows this template by its name and language: both stay."))
    if changes.get("name", template.name) != template.name:
        _check_unused(uow, template)
    for name, value in changes.items():
        setattr(template, name, value)
    if template.status in WRITABLE:
        parts = codes.own_words(template.kind, template.category, template.language, parts)
    template.parts, template.changed_at = asdict(parts), uow.now
    _drop_unfit(uow, template, parts.media)
    _check_own(uow, template)
    return _kept(uow, template)


def _drop_unfit(uow: UnitOfWork, template: MessageTemplate, media: str) -> None:
    """A file that was chosen for another kind of header."""
    sample = queries.sample_of(template)
    if sample and template.kind is TemplateKind.WHATSAPP and not headers.fits(media, sample.mime_type, sample.size):
        files.let_go(uow, [template.id])
        template.sample = None


def delete_template(uow: UnitOfWork, template_id: UUID) -> None:
    template = queries.lock_template(uow, template_id)
    if template.provider_id and template.status is not TemplateStatus.GONE:
        raise Conflict(_("WhatsApp still has this template: delete it in WhatsApp Manager, then fetch the templates again."))
    _check_unused(uow, template)
    files.let_go(uow, [template.id])
    uow.session.delete(template)
    uow.emit(TemplateChanged(template_id))


def _check_unused(uow: UnitOfWork, template: MessageTemplate) -> None:
    """Of a piece that stands in mails the name stays, and so does the piece. Raises Conflict."""
    uses = queries.list_uses(uow, template) if template.kind is TemplateKind.PIECE else ()
    if uses:
        names = ", ".join(other.name for other in uses[:5])
        raise Conflict(_("This piece stands in %(names)s. Take it out there first.", names=names))


def submit_template(uow: UnitOfWork, template_id: UUID) -> MessageTemplate:
    """Hands it to the provider, in the background. Raises Refused with a sentence a field, before anybody outside is asked."""
    template = queries.lock_template(uow, template_id)
    if template.kind is not TemplateKind.WHATSAPP or template.status not in {*WRITABLE, TemplateStatus.QUEUED}:
        raise Conflict(_("There is nothing to approve: WhatsApp has this template, or nobody has to approve it."))
    _check_words(template)
    _account_of(uow, template.channel_id)
    uow.box.outbound.check_allowed(urlsplit(uow.box.settings.channels.graph_url).hostname or "")
    template.status, template.reason, template.changed_at = TemplateStatus.QUEUED, "", uow.now
    uow.emit(TemplateQueued(template.id))
    uow.emit(TemplateChanged(template.id))
    return template


def note_submitted(uow: UnitOfWork, template_id: UUID, provider_id: str, status: TemplateStatus) -> None:
    template = queries.lock_template(uow, template_id)
    template.provider_id = provider_id or template.provider_id
    if template.status is TemplateStatus.QUEUED:  # else a webhook was quicker
        template.status, template.reason, template.reported_at = status, "", uow.now
    uow.emit(TemplateChanged(template.id))


def note_not_submitted(uow: UnitOfWork, template_id: UUID, said: object, *, is_final: bool) -> None:
    """`is_final`: the provider refused; else it is tried again."""
    template = queries.lock_template(uow, template_id)
    template.reason = told(said)
    if is_final:
        template.status = TemplateStatus.REJECTED if template.provider_id else TemplateStatus.DRAFT
    uow.emit(TemplateChanged(template.id))


def sync_templates(box: Box, unit: Units) -> SyncedOut:
    """All that the providers of all accounts have. Raises Refused with what has to be mended, Unavailable when nobody answers."""
    with unit(read_only=True) as uow:
        accounts = [queries.get_account(uow, channel.id) for channel in queries.list_template_accounts(uow)]
    count = 0
    for account in accounts:
        listed = gateway_of(account.kind).list_templates(box, account)
        with unit() as uow:
            keep_synced(uow, account.channel_id, listed)
        count += len(listed)
    return SyncedOut(templates=count, channels=len(accounts))


def keep_synced(uow: UnitOfWork, channel_id: UUID, listed: Sequence[ProviderTemplate]) -> None:
    """What the provider has is what there is; what fills the places stays as it was chosen here."""
    known = list(uow.session.scalars(select(MessageTemplate).where(MessageTemplate.channel_id == channel_id).limit(MOST)))
    by_id = {template.provider_id: template for template in known if template.provider_id}
    by_name = {(template.name, template.language): template for template in known}
    met = set()
    for one in listed:
        template = by_id.get(one.provider_id) or by_name.get((one.name, one.language)) or _new(uow, channel_id)
        _take_over(uow, template, one)
        met.add(template.id)
    for template in known:
        if template.id not in met and template.provider_id:
            template.status, template.reported_at, template.changed_at = TemplateStatus.GONE, uow.now, uow.now
    uow.session.flush()
    uow.emit(TemplatesFetched(channel_id))


def apply_report(uow: UnitOfWork, report: TemplateReport) -> None:
    """What came late is not taken for new. Of a template nobody fetched yet there is nothing to tell."""
    own = select(MessageTemplate).where(MessageTemplate.provider_id == report.provider_id)
    for template in uow.session.scalars(own.limit(100)):
        if report.status is not None and not (template.reported_at and report.occurred_at < template.reported_at):
            template.status, template.reason, template.reported_at = report.status, report.reason, report.occurred_at
        template.quality = report.quality or template.quality
        template.category = report.category or template.category
        uow.emit(TemplateChanged(template.id))


def _new(uow: UnitOfWork, channel_id: UUID) -> MessageTemplate:
    template = MessageTemplate(
        id=new_id(), tenant_id=uow.tenant_id, channel_id=channel_id, kind=TemplateKind.WHATSAPP, created_at=uow.now, parts={}
    )
    uow.session.add(template)
    return template


def _take_over(uow: UnitOfWork, template: MessageTemplate, one: ProviderTemplate) -> None:
    sources = {variable["name"]: variable["source"] for variable in template.parts.get("variables", ())}
    variables = tuple(replace(variable, source=sources.get(variable.name, "")) for variable in one.parts.variables)
    template.parts = asdict(replace(one.parts, variables=variables))
    template.name, template.language, template.category, template.quality = one.name, one.language, one.category, one.quality
    template.provider_id, template.status, template.reason = one.provider_id, one.status, one.reason
    template.reported_at = template.synced_at = template.changed_at = uow.now


def _words(parts: Parts) -> dict[str, Any]:
    return asdict(replace(parts, variables=()))


def _account_of(uow: UnitOfWork, channel_id: UUID | None) -> Account:
    """Of a number whose business account is known. Raises Refused."""
    account = queries.get_account(uow, channel_id) if channel_id else None
    if account is None or account.kind != WHATSAPP_CLOUD:
        raise _refused_channel(_("Choose the WhatsApp number whose account is to have this template."))
    if not account.config.get("waba_id"):
        raise _refused_channel(_("Enter the id of the WhatsApp business account in the channel's settings first."))
    return account


def _refused_channel(said: Any) -> Refused:
    return Refused(said, fields={"channel_id": said})


def _check_own(uow: UnitOfWork, template: MessageTemplate) -> None:
    """What nobody else approves has to be right at once; a draft for WhatsApp may wait."""
    if template.kind is TemplateKind.WHATSAPP:
        return
    _check_words(template)
    if template.kind is not TemplateKind.CHAT:
        _check_pieces(uow, template)


def _check_pieces(uow: UnitOfWork, template: MessageTemplate) -> None:
    parts, is_piece = queries.parts_of(template), template.kind is TemplateKind.PIECE
    text = parts.body + parts.footer
    if problems := dict(queries.problems_of_pieces(template.name, text, queries.pieces_of(uow), is_piece=is_piece)):
        raise Refused(rules.said_of(problems), fields=problems)


def _check_words(template: MessageTemplate) -> None:
    """Raises Refused with a sentence a field."""
    parts, has_file = queries.parts_of(template), template.sample is not None
    if problems := rules.problems_of(template.kind, template.name, template.category, parts, has_file=has_file):
        raise Refused(rules.said_of(problems), fields=problems)


def _kept(uow: UnitOfWork, template: MessageTemplate) -> MessageTemplate:
    """Raises Conflict about a name that another has."""
    with unique(uow, _("There is a template of this name in this language already.")):
        uow.session.add(template)
    uow.emit(TemplateChanged(template.id))
    return template


def wanted_of(template: MessageTemplate) -> ProviderTemplate:
    provider_id, parts = template.provider_id or "", queries.parts_of(template)
    sample = queries.sample_of(template)
    return ProviderTemplate(provider_id, template.name, template.language, template.category, parts, sample=sample)
