"""The brand: of the organisation, and of the box, which the organisations on it wear where they have none of their own.

A change is a draft first, shown in both themes; publishing reaches open browsers at once, and can be undone.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from werkzeug import Response as AnyResponse

from appliance.core.errors import Conflict, Refused
from appliance.core.i18n import LOCALES, lazy_gettext
from appliance.core.i18n import gettext as _
from appliance.core.ids import NIL
from appliance.core.web import Call, Form, Schema
from appliance.domains.branding import actions, queries
from appliance.domains.branding.schemas import BrandValues, Domain
from appliance.domains.branding.types import WORDS, Mark, Picture
from appliance.domains.identity.schemas import Colour
from webui import branding, theme
from webui.admin.pages import pages
from webui.branding import Brand

PLAIN = ("name", "login_text", "support_email", "support_phone", "support_url", "mail_header", "mail_footer")
MARKS = {
    Mark.LOGO: (lazy_gettext("Logo"), lazy_gettext("SVG, PNG or WebP, up to 512 KB. Shown 28 pixels high, in place of the name.")),
    Mark.LOGO_DARK: (lazy_gettext("Logo for dark pages"), lazy_gettext("Where the other one would be hard to see.")),
    Mark.FAVICON: (lazy_gettext("Icon of the browser tab"), lazy_gettext("Square. SVG or PNG.")),
}
LOCKS = {
    "name": lazy_gettext("Name"), "colour": lazy_gettext("Colour"), "pictures": lazy_gettext("Logo and icon"),
    "login_text": lazy_gettext("Words of the sign-in page"), "support": lazy_gettext("Whom to ask for help"),
    "mail": lazy_gettext("Head and foot of e-mails"), "words": lazy_gettext("Own words"),
}  # fmt: skip
MOST_READ = 4 * 2**20


class AddressForm(Schema):
    domain: Domain | Literal[""] = ""


class Previewed(Schema):
    colour: Colour = branding.OUR_COLOUR


@dataclass(frozen=True)
class Whose:
    """A brand that is edited: the organisation's own, or the box's."""

    name: str
    path: str
    permission: str
    is_box: bool

    def tenant_id(self, call: Call) -> UUID:
        return NIL if self.is_box else call.who.tenant_id

    def url(self, view: str) -> str:
        return url_for(f"admin.{self.name}_{view}")


def look(call: Call, whose: Whose) -> str:
    return _page(call, whose, Form(None, {}, {}))


def save(call: Call, whose: Whose) -> AnyResponse | tuple[str, int]:
    """Keeps a draft."""
    try:
        values, new = _values(call, whose), _pictures()
        with _unit(call) as uow:
            actions.save_draft(uow, whose.tenant_id(call), values, new)
    except (ValidationError, Refused) as err:
        return _page(call, whose, Form[BrandValues](None, {}, _typed()).refused(err)), HTTPStatus.UNPROCESSABLE_ENTITY
    return redirect(whose.url("look") + "#draft")


def preview(call: Call, whose: Whose) -> str | tuple[str, int]:
    """What is typed, before it is kept."""
    with _unit(call, read_only=True) as uow:
        brands = queries.get_brands(uow, whose.tenant_id(call))
    try:
        shown = _values(call, whose)
    except ValidationError:
        shown = brands.draft or brands.live
    return render_template("admin/_brand_preview.html", **_previewed(_brand(call, whose, brands, shown)))


@pages.get("/theme/preview.css", query=Previewed, unit=False)
def brand_preview_colours(call: Call, query: Previewed) -> Response:
    """What a colour would look like, for the part of a page that shows it before it is saved."""
    del call
    sheet = theme.theme_for(query.colour).stylesheet(".brand-preview")
    return Response(sheet, mimetype="text/css", headers={"Cache-Control": "private, max-age=3600"})


def publish(call: Call, whose: Whose) -> AnyResponse:
    with _unit(call) as uow:
        actions.publish(uow, whose.tenant_id(call))
    return _changed(whose, _("Published. Whoever has a page open sees it now."))


def discard(call: Call, whose: Whose) -> AnyResponse:
    with _unit(call) as uow:
        actions.discard_draft(uow, whose.tenant_id(call))
    return _changed(whose, _("The draft is gone."))


def undo(call: Call, whose: Whose) -> AnyResponse:
    with _unit(call) as uow:
        actions.undo(uow, whose.tenant_id(call))
    return _changed(whose, _("It is as it was before."))


def export(call: Call, whose: Whose) -> Response:
    with _unit(call, read_only=True) as uow:
        pack = queries.export_pack(uow, whose.tenant_id(call))
    return Response(pack, mimetype="application/zip", headers={"Content-Disposition": 'attachment; filename="brand.zip"'})


def take_pack(call: Call, whose: Whose) -> AnyResponse | tuple[str, int]:
    try:
        with _unit(call) as uow:
            signer = actions.draft_pack(uow, whose.tenant_id(call), _file("pack"))
    except Refused as err:
        return _page(call, whose, Form[BrandValues](None, {"pack": str(err)}, {})), HTTPStatus.UNPROCESSABLE_ENTITY
    said = _("The pack is signed by %(signer)s.", signer=signer) if signer else _("The pack is not signed.")
    flash(f"{said} {_('Look at it, then publish it.')}")
    return redirect(whose.url("look") + "#draft")


def set_address(call: Call, whose: Whose) -> AnyResponse | tuple[str, int]:
    """Of whichever brand; only whoever operates the box may point an address at one."""
    try:
        named = AddressForm(domain=request.form.get("domain", "").strip().lower())
        with _unit(call) as uow:
            actions.set_domain(uow, whose.tenant_id(call), named.domain)
    except (ValidationError, Conflict) as err:
        said = _("Write a host name such as vendas.example.com.") if isinstance(err, ValidationError) else str(err)
        return _page(call, whose, Form[BrandValues](None, {"domain": said}, {})), HTTPStatus.UNPROCESSABLE_ENTITY
    return _changed(whose, _("Saved."))


def _changed(whose: Whose, said: str) -> AnyResponse:
    branding.forget_all()
    flash(said)
    return redirect(whose.url("look"))


def _unit(call: Call, *, read_only: bool = False) -> Any:
    """An organisation's brand stands on the box's, so both are read."""
    return call.box.whole_box("brand", call.who.actor, read_only=read_only)


def _typed() -> dict[str, str]:
    return {name: value for name, value in request.form.items() if name != "csrf_token"}


def _values(call: Call, whose: Whose) -> BrandValues:
    """Raises ValidationError."""
    with _unit(call, read_only=True) as uow:
        brands = queries.get_brands(uow, whose.tenant_id(call))
    known = brands.draft or brands.live
    words = {locale: {word: request.form.get(f"word-{locale}-{at}", "") for at, word in enumerate(WORDS)} for locale in LOCALES}
    typed = BrandValues.model_validate({
        **{name: request.form.get(name, "").replace("\r\n", "\n") for name in PLAIN},
        "colour": request.form.get("colour", "") if request.form.get("own_colour") else "",
        "words": words, "locked": request.form.getlist("locked"),
        "pictures": {mark: digest for mark, digest in known.pictures.items() if not request.form.get(f"drop-{mark}")},
    })  # fmt: skip
    return typed.model_copy(update={name: getattr(known, name) for name in brands.inherited.locked_fields()})


def _pictures() -> dict[Mark, Picture]:
    """Raises Refused at the field."""
    found = {}
    for mark in Mark:
        try:
            if content := _file(mark):
                found[mark] = actions.clean_picture(content)
        except Refused as err:
            raise Refused(err.message, fields={mark.value: err.message}) from err
    return found


def _file(name: str) -> bytes:
    given = request.files.get(name)
    return given.stream.read(MOST_READ) if given else b""


def _brand(call: Call, whose: Whose, brands: queries.Brands, values: BrandValues) -> Brand:
    worn = values.over(brands.inherited)
    return replace(branding.brand_of(call.who.tenant_id), look=worn, tenant_id=whose.tenant_id(call))


def _previewed(brand: Brand) -> dict[str, Any]:
    colour = theme.parse_colour(brand.colour)
    found = theme.theme_for(colour) if colour else branding.OUR_THEME
    return {"shown": brand, "theme_shown": found}


def _page(call: Call, whose: Whose, form: Form[BrandValues]) -> str:
    with _unit(call, read_only=True) as uow:
        brands = queries.get_brands(uow, whose.tenant_id(call))
    values = brands.draft or brands.live
    raw = form.raw or _as_typed(values)
    return render_template(
        "admin/brand.html", whose=whose, brands=brands, values=values, raw=raw, errors=form.errors, marks=MARKS, locks=LOCKS, words=WORDS,
        locked=set(brands.inherited.locked), locked_here=set(request.form.getlist("locked") if form.raw else values.locked),
        of_brand=_brand(call, whose, brands, values), may_point=call.who.can("box_brand:write"),
        **_previewed(_brand(call, whose, brands, values)),
    )  # fmt: skip


def _as_typed(values: BrandValues) -> dict[str, str]:
    words = {
        f"word-{locale}-{WORDS.index(word)}": text for locale, said in values.words.items() for word, text in said.items()
    }
    plain = {name: str(getattr(values, name)) for name in PLAIN}
    return {**plain, **words, "own_colour": "1" if values.colour else "", "colour": values.colour or branding.OUR_COLOUR}


def _set_up(whose: Whose) -> None:
    def route(add: Callable[..., Any], tail: str, view: Callable[..., Any], permission: str = whose.permission) -> None:
        bound: Any = partial(view, whose=whose)
        bound.__name__ = f"{whose.name}_{view.__name__}"
        add(f"/admin/{whose.path}{tail}", permission=permission, unit=False)(bound)

    route(pages.get, "", look)
    route(pages.get, "/pack", export)
    for tail, view in {"": save, "/preview": preview, "/publish": publish, "/discard": discard, "/undo": undo, "/pack": take_pack}.items():
        route(pages.post, tail, view)
    route(pages.post, "/address", set_address, "box_brand:write")


_set_up(Whose("brand", "brand", "brand:write", is_box=False))
_set_up(Whose("box_brand", "box-brand", "box_brand:write", is_box=True))
