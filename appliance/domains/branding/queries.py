import base64
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from appliance.core import signing
from appliance.core.ids import NIL
from appliance.core.uow import UnitOfWork
from appliance.domains.branding.rules import packs
from appliance.domains.branding.schemas import BrandValues
from appliance.domains.branding.tables import Brand, BrandPicture
from appliance.domains.branding.types import Mark, Picture
from appliance.domains.identity import queries as identity


@dataclass(frozen=True)
class Brands:
    """What one edits. `live` is one's own alone; `inherited` is the box's, which an organisation's stands on."""

    live: BrandValues
    draft: BrandValues | None
    inherited: BrandValues
    domain: str
    can_undo: bool


def find_row(uow: UnitOfWork, tenant_id: UUID) -> Brand | None:
    return uow.session.scalar(select(Brand).where(Brand.tenant_id == tenant_id))


def own_values(uow: UnitOfWork, tenant_id: UUID, row: Brand | None) -> BrandValues:
    """As it is live now, nothing inherited."""
    values = BrandValues.model_validate(row.live) if row else BrandValues()
    if tenant_id == NIL:
        return values
    tenant = identity.find_tenant(uow, tenant_id)
    settings = tenant.settings if tenant else {}
    return values.model_copy(update={"name": str(settings.get("brand_name") or ""), "colour": str(settings.get("brand_colour") or "")})


def get_look(uow: UnitOfWork, tenant_id: UUID) -> BrandValues:
    """What people of this organisation see. Needs the box scope."""
    inherited = own_values(uow, NIL, find_row(uow, NIL))
    return inherited if tenant_id == NIL else own_values(uow, tenant_id, find_row(uow, tenant_id)).over(inherited)


def get_brands(uow: UnitOfWork, tenant_id: UUID) -> Brands:
    """Needs the box scope."""
    row = find_row(uow, tenant_id)
    inherited = BrandValues() if tenant_id == NIL else get_look(uow, NIL)
    draft = BrandValues.model_validate(row.draft) if row and row.draft is not None else None
    domain, can_undo = (row.domain or "", row.previous is not None) if row else ("", False)
    return Brands(own_values(uow, tenant_id, row), draft, inherited, domain, can_undo)


def find_tenant_at(uow: UnitOfWork, domain: str) -> UUID | None:
    """Whose address this is; NIL is the box's. Needs the box scope."""
    return uow.session.scalar(select(Brand.tenant_id).where(Brand.domain == domain))


def find_picture(uow: UnitOfWork, tenant_id: UUID, sha256: str) -> Picture | None:
    """Of this organisation, or of the box whose brand it wears. Needs the box scope."""
    wanted = select(BrandPicture).where(BrandPicture.tenant_id.in_((tenant_id, NIL)), BrandPicture.sha256 == sha256).limit(1)
    row = uow.session.scalar(wanted)
    return Picture(row.media_type, base64.b64decode(row.body), row.sha256) if row else None


def export_pack(uow: UnitOfWork, tenant_id: UUID, key: bytes = b"") -> bytes:
    """One's own brand as it is live, signed with a private key in PEM. Needs the box scope. Raises BadKey."""
    row = find_row(uow, tenant_id)
    values = own_values(uow, tenant_id, row)
    pictures: Mapping[Mark, Picture] = {
        mark: found for mark, digest in values.pictures.items() if (found := find_picture(uow, tenant_id, digest)) is not None
    }
    manifest = values.model_dump(mode="json", exclude={"pictures"}, exclude_defaults=True)
    if row is not None and row.domain:
        manifest["domain"] = row.domain
    return packs.write(manifest, pictures, signing.read_private_key(key) if key else None)
