"""What a tenant looks like: its name, colour, language and clock. Kept in memory for half a minute."""

from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from uuid import UUID

from flask import Response, g
from werkzeug.exceptions import NotFound

from appliance.core.web import PageQuery, current_box, current_principal
from appliance.domains.identity import queries
from webui import formats, static_files, theme

KEPT_S = 30.0
MOST_KEPT = 1000
OUR_COLOUR = "#0b6b5d"


@dataclass(frozen=True)
class Brand:
    name: str = "SalesEdge"
    company: str = ""
    colour: str = ""
    locale: str = ""
    timezone: str = formats.DEFAULT_TIMEZONE
    tenant_id: UUID | None = None
    is_demo: bool = False

    @property
    def is_ours(self) -> bool:
        return self.name == OURS.name

    @property
    def theme_url(self) -> str:
        if self.tenant_id is None or theme.parse_colour(self.colour) is None:
            return ""
        return f"/theme/{self.tenant_id}.{sha256(self.colour.encode()).hexdigest()[:12]}.css"


OURS = Brand()
_kept: dict[UUID, tuple[float, Brand]] = {}


def current() -> Brand:
    """The signed-in person's tenant; ours on the pages before."""
    person = current_principal()
    if person is None:
        return OURS
    if "brand" not in g:
        g.brand = OURS  # what an error page shows when the next line cannot read
        g.brand = brand_of(person.tenant_id)
    found: Brand = g.brand
    return found


def brand_of(tenant_id: UUID) -> Brand:
    kept = _kept.get(tenant_id)
    if kept and monotonic() - kept[0] < KEPT_S:
        return kept[1]
    brand = _read(tenant_id)
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    if brand is not OURS:
        _kept[tenant_id] = (monotonic(), brand)
    return brand


def only_company() -> str:
    """The company's name on the sign-in page of a box that has just one."""
    with current_box().whole_box("name of the only company", read_only=True) as uow:
        tenants = queries.list_tenants(uow, PageQuery(limit=1))
        return tenants.items[0].name if tenants.total == 1 else ""


def _read(tenant_id: UUID) -> Brand:
    with current_box().whole_box("brand of a tenant", read_only=True) as uow:
        tenant = queries.find_tenant(uow, tenant_id)
        if tenant is None:
            return OURS
        colour = str(tenant.settings.get("brand_colour", ""))
        name = str(tenant.settings.get("brand_name") or OURS.name)
        return Brand(name, tenant.name, colour, tenant.locale, tenant.timezone, tenant.id, bool(tenant.settings.get("demo")))


def forget(tenant_id: UUID) -> None:
    """After the tenant's settings were changed here; other processes notice within half a minute."""
    _kept.pop(tenant_id, None)


def forget_all() -> None:
    _kept.clear()


def stylesheet(tenant_id: UUID, digest: str) -> Response:
    del digest  # it only makes the address new when the colour is
    colour = theme.parse_colour(brand_of(tenant_id).colour)
    if colour is None:
        raise NotFound
    return Response(theme.theme_for(colour).stylesheet(), mimetype="text/css", headers={"Cache-Control": static_files.FOREVER})
