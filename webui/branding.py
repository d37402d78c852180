"""What a tenant looks like: its name, colours, pictures, own words, language and clock. Kept in memory for a moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import monotonic
from uuid import UUID

from flask import Response, g, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import NotFound

from appliance.core import i18n
from appliance.core.ids import NIL
from appliance.core.uow import UnitOfWork
from appliance.core.web import PageQuery, current_box, current_principal
from appliance.domains.branding import queries
from appliance.domains.branding.schemas import BrandValues
from appliance.domains.branding.types import Mark, Picture
from appliance.domains.identity import queries as identity
from webui import formats, static_files, theme

KEPT_S = 2.0  # how long another process may show what was
MOST_KEPT = 1000
MOST_PICTURES = 32
OUR_NAME = "SalesEdge"
OUR_COLOUR = "#0b6b5d"
OUR_THEME = theme.Theme(OUR_COLOUR, theme.Pair(OUR_COLOUR, "#ffffff"), theme.Pair("#35b8a2", "#05211c"))
PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # a drawing opened by itself runs nothing and fetches nothing


@dataclass(frozen=True)
class Brand:
    look: BrandValues = field(default_factory=BrandValues)
    company: str = ""
    locale: str = ""
    timezone: str = formats.DEFAULT_TIMEZONE
    tenant_id: UUID = NIL
    is_demo: bool = False

    @property
    def name(self) -> str:
        return self.look.name or OUR_NAME

    @property
    def colour(self) -> str:
        return self.look.colour

    @property
    def is_ours(self) -> bool:
        return not self.look.name or self.look.name == OUR_NAME

    @property
    def theme_url(self) -> str:
        """Empty where the product's own colours do."""
        return self.any_theme_url if theme.parse_colour(self.colour) else ""

    @property
    def any_theme_url(self) -> str:
        return url_for("static_theme", tenant_id=self.tenant_id, digest=sha256(self.colour.encode()).hexdigest()[:12])

    @property
    def logo_url(self) -> str:
        return self._picture_url(Mark.LOGO)

    @property
    def logo_dark_url(self) -> str:
        return self._picture_url(Mark.LOGO_DARK)

    @property
    def favicon_url(self) -> str:
        return self._picture_url(Mark.FAVICON)

    def _picture_url(self, mark: Mark) -> str:
        digest = self.look.pictures.get(mark)
        return url_for("static_brand", tenant_id=self.tenant_id, digest=digest) if digest else ""

    @property
    def words(self) -> Mapping[str, str]:
        """Its own for some of ours, in the language of the reader."""
        return self.look.words.get(i18n.current_locale(), {})  # type: ignore[call-overload, no-any-return]  # a locale of ours is one of the two


OURS = Brand()
_kept: dict[UUID | str, tuple[float, Brand]] = {}
_pictures: dict[tuple[UUID, str], tuple[float, Picture]] = {}


def current() -> Brand:
    """The signed-in person's tenant; before that, whose address this is."""
    if "brand" not in g:
        g.brand = OURS  # what an error page shows when the next line cannot read
        person = current_principal()
        g.brand = brand_of(person.tenant_id) if person else brand_at(request.host.rpartition(":")[0] or request.host)
    found: Brand = g.brand
    return found


def brand_of(tenant_id: UUID) -> Brand:
    return _remembered(tenant_id, lambda uow: _read(uow, tenant_id))


def brand_at(host: str) -> Brand:
    """The organisation's or the box's that has this address; else that of the only organisation, else the box's."""
    try:
        return _remembered(host.lower(), lambda uow: _read(uow, _tenant_at(uow, host.lower())))
    except SQLAlchemyError:
        return OURS  # a page for strangers looks plain before it fails


def _tenant_at(uow: UnitOfWork, host: str) -> UUID:
    named = queries.find_tenant_at(uow, host)
    if named is not None:
        return named
    tenants = identity.list_tenants(uow, PageQuery(limit=1))
    return tenants.items[0].id if tenants.total == 1 else NIL


def only_company() -> str:
    """The company's name on the sign-in page of a box that has just one."""
    with current_box().whole_box("name of the only company", read_only=True) as uow:
        tenants = identity.list_tenants(uow, PageQuery(limit=1))
        return tenants.items[0].name if tenants.total == 1 else ""


def _remembered(key: UUID | str, read: Callable[[UnitOfWork], Brand]) -> Brand:
    kept = _kept.get(key)
    if kept and monotonic() - kept[0] < KEPT_S:
        return kept[1]
    with current_box().whole_box("brand of a tenant", read_only=True) as uow:
        brand = read(uow)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = (monotonic(), brand)
    return brand


def _read(uow: UnitOfWork, tenant_id: UUID) -> Brand:
    tenant = identity.find_tenant(uow, tenant_id) if tenant_id != NIL else None
    look = queries.get_look(uow, tenant_id if tenant else NIL)
    if tenant is None:
        return Brand(look)
    return Brand(look, tenant.name, tenant.locale, tenant.timezone, tenant.id, bool(tenant.settings.get("demo")))


def forget_all() -> None:
    """After a brand was changed here; other processes notice in a moment."""
    _kept.clear()
    _pictures.clear()


def stylesheet(tenant_id: UUID, digest: str) -> Response:
    del digest  # it only makes the address new when the colour is
    colour = theme.parse_colour(brand_of(tenant_id).colour)
    sheet = (theme.theme_for(colour) if colour else OUR_THEME).stylesheet()
    return Response(sheet, mimetype="text/css", headers={"Cache-Control": static_files.FOREVER})


def picture(tenant_id: UUID, digest: str) -> Response:
    """For anybody, so it is decrypted once a moment and not for each who asks."""
    found = _picture(tenant_id, digest)
    headers = {"Cache-Control": static_files.FOREVER, "Content-Security-Policy": PICTURE_POLICY}
    return Response(found.body, mimetype=found.media_type, headers=headers)


def _picture(tenant_id: UUID, digest: str) -> Picture:
    """Raises NotFound."""
    kept = _pictures.get((tenant_id, digest))
    if kept and monotonic() - kept[0] < KEPT_S:
        return kept[1]
    with current_box().whole_box("picture of a brand", read_only=True) as uow:
        found = queries.find_picture(uow, tenant_id, digest)
    if found is None:
        raise NotFound
    if len(_pictures) >= MOST_PICTURES:
        _pictures.clear()
    _pictures[tenant_id, digest] = (monotonic(), found)
    return found
