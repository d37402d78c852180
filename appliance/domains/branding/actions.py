import base64
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, select

from appliance.core.i18n import lazy_gettext as _
from appliance.core.ids import NIL, new_id
from appliance.core.rows import insert_if_absent, locked, unique
from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery
from appliance.core.web.problems import refusal_of
from appliance.domains.branding import queries
from appliance.domains.branding.errors import BadPack, NothingToPublish, NothingToUndo
from appliance.domains.branding.events import BrandChanged
from appliance.domains.branding.rules import packs, pictures
from appliance.domains.branding.schemas import BrandValues, PackManifest
from appliance.domains.branding.tables import Brand, BrandPicture
from appliance.domains.branding.types import Mark, Picture
from appliance.domains.identity import actions as identity
from appliance.domains.identity import queries as tenants

_OF_TENANT = {"name": "brand_name", "colour": "brand_colour"}  # settings of an organisation


def clean_picture(content: bytes) -> Picture:
    """Raises BadPicture."""
    return pictures.clean(content)


def read_pack(content: bytes) -> tuple[PackManifest, Mapping[Mark, Picture], str]:
    """What is in it, and the fingerprint of who signed it or nothing. Raises BadPack."""
    pack = packs.read(content)
    try:
        return PackManifest.model_validate(pack.manifest), pack.pictures, pack.signer
    except ValidationError as err:
        field, sentence = next(iter(refusal_of(err).fields.items()))
        raise BadPack(_("%(name)s in it is not valid: %(why)s", name="manifest.json", why=f"{field}: {sentence}")) from err


def save_draft(uow: UnitOfWork, tenant_id: UUID, values: BrandValues, new: Mapping[Mark, Picture]) -> None:
    """Seen by whoever edits it, and by nobody else. Needs the box scope, like all here."""
    row = _row(uow, tenant_id)
    _keep_pictures(uow, tenant_id, new.values())
    named = {**values.pictures, **{mark: picture.sha256 for mark, picture in new.items()}}
    update = {"pictures": named} if tenant_id == NIL else {"pictures": named, "locked": []}
    row.draft = values.model_copy(update=update).model_dump(mode="json")
    _sweep(uow, row)


def draft_pack(uow: UnitOfWork, tenant_id: UUID, content: bytes) -> str:
    """Returns who signed it. Raises BadPack."""
    manifest, new, signer = read_pack(content)
    save_draft(uow, tenant_id, _values_of(manifest), new)
    return signer


def import_pack(uow: UnitOfWork, tenant_id: UUID, content: bytes, *, signed_by: str = "") -> None:
    """Live at once, its domain too. `signed_by`: the fingerprint it must have. Raises BadPack, Conflict for a domain in use."""
    manifest, new, signer = read_pack(content)
    if signed_by and signed_by.replace(" ", "").lower() != signer.replace(" ", ""):
        raise BadPack(_("It is not signed by that key, but by: %(signer)s.", signer=signer or _("nobody")))
    save_draft(uow, tenant_id, _values_of(manifest), new)
    publish(uow, tenant_id)
    if manifest.domain:
        set_domain(uow, tenant_id, manifest.domain)


def publish(uow: UnitOfWork, tenant_id: UUID) -> None:
    """Raises NothingToPublish."""
    row = _row(uow, tenant_id)
    if row.draft is None:
        raise NothingToPublish
    _go_live(uow, row, BrandValues.model_validate(row.draft))


def discard_draft(uow: UnitOfWork, tenant_id: UUID) -> None:
    row = _row(uow, tenant_id)
    row.draft = None
    _sweep(uow, row)


def undo(uow: UnitOfWork, tenant_id: UUID) -> None:
    """Back to what was before; once more, and it is as it was. Raises NothingToUndo."""
    row = _row(uow, tenant_id)
    if row.previous is None:
        raise NothingToUndo
    _go_live(uow, row, BrandValues.model_validate(row.previous))


def reset(uow: UnitOfWork, tenant_id: UUID) -> None:
    """All of it inherited again; what was can be brought back with `undo`."""
    _go_live(uow, _row(uow, tenant_id), BrandValues())


def set_domain(uow: UnitOfWork, tenant_id: UUID, domain: str) -> None:
    """The operator's: whoever signs in at this address meets this brand. Raises Conflict when another has it."""
    row = _row(uow, tenant_id)
    with identity.as_tenant(uow, tenant_id) as theirs:
        identity.record(theirs, "brand.domain_changed", about=("brand", row.id), before={"domain": row.domain}, after={"domain": domain})
    with unique(uow, _("Another organisation already uses this address.")):
        row.domain = domain.lower() or None
        uow.session.flush()
    _tell(uow, tenant_id)


def _values_of(manifest: PackManifest) -> BrandValues:
    return BrandValues.model_validate(manifest.model_dump(include=set(BrandValues.model_fields) - {"pictures"}))


def _row(uow: UnitOfWork, tenant_id: UUID) -> Brand:
    """Held until the unit ends; the first who changes it makes it."""
    with identity.as_tenant(uow, tenant_id):
        insert_if_absent(uow, Brand, {"id": new_id(), "tenant_id": tenant_id, "live": {}, "updated_at": uow.now})
    return uow.session.scalars(locked(select(Brand).where(Brand.tenant_id == tenant_id))).one()


def _go_live(uow: UnitOfWork, row: Brand, values: BrandValues) -> None:
    before = queries.own_values(uow, row.tenant_id, row)
    with identity.as_tenant(uow, row.tenant_id) as theirs:
        row.previous = before.model_dump(mode="json")
        row.live, row.draft, row.updated_at = values.model_dump(mode="json", exclude=_kept_elsewhere(row)), None, uow.now
        uow.session.flush()
        if row.tenant_id != NIL:
            chosen = {setting: getattr(values, field) for field, setting in _OF_TENANT.items()}
            identity.change_tenant(theirs, row.tenant_id, {"settings": chosen})
        identity.record(theirs, "brand.changed", about=("brand", row.id), before=_said(before), after=_said(values))
    _sweep(uow, row)
    _tell(uow, row.tenant_id)


def _kept_elsewhere(row: Brand) -> set[str]:
    return set() if row.tenant_id == NIL else set(_OF_TENANT)


def _said(values: BrandValues) -> dict[str, Any]:
    return values.model_dump(mode="json", exclude_defaults=True)


def _keep_pictures(uow: UnitOfWork, tenant_id: UUID, found: Iterable[Picture]) -> None:
    with identity.as_tenant(uow, tenant_id):
        for picture in found:
            kept = {"sha256": picture.sha256, "media_type": picture.media_type, "body": base64.b64encode(picture.body).decode()}
            insert_if_absent(uow, BrandPicture, {"id": new_id(), "tenant_id": tenant_id, **kept})


def _sweep(uow: UnitOfWork, row: Brand) -> None:
    """Pictures that neither the live brand nor the draft nor the one before names."""
    named = {digest for values in (row.live, row.draft, row.previous) for digest in ((values or {}).get("pictures") or {}).values()}
    with identity.as_tenant(uow, row.tenant_id):
        uow.session.flush()
    uow.session.execute(delete(BrandPicture).where(BrandPicture.tenant_id == row.tenant_id, BrandPicture.sha256.not_in(named)))


def _tell(uow: UnitOfWork, tenant_id: UUID) -> None:
    """The browsers of whoever wears it: the box's brand is worn by all."""
    for one in _everybody(uow) if tenant_id == NIL else [tenant_id]:
        with identity.as_tenant(uow, one) as theirs:
            theirs.emit(BrandChanged())


def _everybody(uow: UnitOfWork) -> list[UUID]:
    found: list[UUID] = []
    page = tenants.list_tenants(uow, PageQuery(limit=200))
    while page.items:
        found += [tenant.id for tenant in page.items]
        page = tenants.list_tenants(uow, PageQuery(page=page.page + 1, limit=200))
    return found
