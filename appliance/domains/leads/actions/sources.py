import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.core.errors import NotFound, Refused
from appliance.core.i18n import lazy_gettext as _
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.leads import queries
from appliance.domains.leads.errors import SourceInUse
from appliance.domains.leads.events import SourceChanged
from appliance.domains.leads.rules import mapping
from appliance.domains.leads.schemas import FormSettings, SourceIn, SourcePatch
from appliance.domains.leads.tables import LeadSource
from appliance.domains.leads.types import LeadField, MetaSecret, SourceKind


def create_source(uow: UnitOfWork, given: SourceIn) -> LeadSource:
    """Raises Refused for a path that is none, and for a mailbox that cannot ask."""
    _check_asks(uow, given.confirm_by)
    source = LeadSource(
        tenant_id=uow.tenant_id, kind=given.kind, name=given.name, secrets=_secrets(given.kind, given.secrets),
        mapping=_checked(given.mapping), config=_config(given.kind, given.form), tags=given.tags,
        dedupe_hours=given.dedupe_hours, confirm_by=given.confirm_by, active=True, created_at=uow.now,
    )  # fmt: skip
    uow.session.add(source)
    uow.session.flush()
    uow.emit(SourceChanged(source.id))
    return source


def change_source(uow: UnitOfWork, source_id: UUID, given: SourcePatch) -> LeadSource:
    """Only what was given changes. Raises SourceNotFound, Refused as when it is made."""
    source = queries.lock_source(uow, source_id)
    if "confirm_by" in given.model_fields_set and given.confirm_by != source.confirm_by:
        _check_asks(uow, given.confirm_by)
    said = given.model_dump(exclude_unset=True, exclude={"form", "secrets"})
    if given.secrets and source.kind is SourceKind.META:
        said["secrets"] = {**source.secrets, **_named(given.secrets)}
    if "form" in given.model_fields_set:
        said["config"] = _config(source.kind, given.form)
    if "mapping" in said:
        said["mapping"] = _checked(given.mapping)
    for name, value in said.items():
        setattr(source, name, value)
    uow.emit(SourceChanged(source.id))
    return source


def renew_secret(uow: UnitOfWork, source_id: UUID) -> LeadSource:
    """What was signed with the old one is refused from now on. Raises SourceNotFound, Refused where no secret of ours signs."""
    source = queries.lock_source(uow, source_id)
    if source.kind is not SourceKind.WEBHOOK:
        raise Refused(_("Only a signed webhook has a secret of this box's."))
    source.secrets = {**source.secrets, queries.SECRET: _new_secret()}
    uow.emit(SourceChanged(source.id))
    return source


def delete_source(uow: UnitOfWork, source_id: UUID) -> None:
    """Raises SourceNotFound, SourceInUse."""
    source = queries.lock_source(uow, source_id)
    if queries.has_leads(uow, source.id) or queries.is_waiting(uow, source.id) or queries.is_import_awaited(uow, source.id):
        raise SourceInUse
    uow.session.delete(source)
    uow.emit(SourceChanged(source.id))


def _check_asks(uow: UnitOfWork, channel_id: UUID | None) -> None:
    """Raises Refused unless this is a mailbox of ours that is switched on."""
    if channel_id is None:
        return
    try:
        channels.get_mailbox(uow, channel_id)
    except (NotFound, Refused) as err:
        said = _("A yes can only be confirmed by an e-mail channel that is switched on. Link one under Channels first.")
        raise Refused(said, fields={"confirm_by": said}) from err


def _new_secret() -> str:
    return f"lead_{secrets.token_urlsafe(32)}"  # never begins like an option of a command


def _secrets(kind: SourceKind, given: Mapping[MetaSecret, str]) -> dict[str, str]:
    """Raises Refused for one of Meta's that is missing."""
    if kind is SourceKind.META:
        missing = [name for name in MetaSecret if name not in given]
        if missing:
            said = _("Meta's leads need the app secret, the verify token and an access token of the page.")
            raise Refused(said, fields={str(name): said for name in missing})
        return _named(given)
    return {queries.SECRET: _new_secret()} if kind is SourceKind.WEBHOOK else {}


def _named(given: Mapping[MetaSecret, str]) -> dict[str, str]:
    return {str(name): value for name, value in given.items()}


def _config(kind: SourceKind, form: FormSettings) -> dict[str, Any]:
    return form.model_dump(mode="json") if kind is SourceKind.FORM else {}


def _checked(given: Mapping[LeadField, str]) -> dict[str, str]:
    for path in given.values():
        mapping.check_path(path)
    return {str(name): path for name, path in given.items()}
