"""The reseller's brand, an organisation's own on top of it, and the way of a change: draft, live, back."""

import io
import zipfile

import pytest
from sqlalchemy import select

from appliance.core import signing
from appliance.core.errors import Conflict
from appliance.core.ids import NIL
from appliance.core.outbox import OutboxRow
from appliance.domains.branding import actions, queries
from appliance.domains.branding.errors import BadPack, NothingToPublish, NothingToUndo
from appliance.domains.branding.rules import packs
from appliance.domains.branding.schemas import BrandValues
from appliance.domains.branding.tables import BrandPicture
from appliance.domains.branding.types import Mark
from appliance.domains.identity import actions as identity
from tests import cast as people

RED = actions.clean_picture(b'<svg xmlns="http://www.w3.org/2000/svg"><rect fill="red"/></svg>')
BLUE = actions.clean_picture(b'<svg xmlns="http://www.w3.org/2000/svg"><rect fill="blue"/></svg>')


@pytest.fixture
def cast(box):
    return people.make_cast(box)


@pytest.fixture
def ours(cast):
    return cast.ana.tenant_id


@pytest.fixture
def theirs(cast):
    return cast.carla.tenant_id


@pytest.fixture
def wear(box):
    def publish(tenant_id, pictures=None, **values):
        with box.whole_box("test") as uow:
            actions.save_draft(uow, tenant_id, BrandValues(**values), pictures or {})
            actions.publish(uow, tenant_id)

    return publish


@pytest.fixture
def look(box):
    def seen(tenant_id):
        with box.whole_box("test", read_only=True) as uow:
            return queries.get_look(uow, tenant_id)

    return seen


def test_a_box_that_nobody_branded_says_nothing(look, ours):
    assert look(NIL) == BrandValues()
    assert look(ours).pictures == {}


def test_an_organisation_wears_the_box_s_brand_until_it_has_its_own(wear, look, ours, theirs):
    words = {"en": {"Leads": "Prospects", "Home": "Start"}}
    wear(NIL, {Mark.LOGO: RED, Mark.LOGO_DARK: BLUE}, name="Aurora", colour="#aa0000", words=words)
    wear(ours, {Mark.LOGO: BLUE}, name="Solara", support_email="oi@solara.example", words={"en": {"Leads": "Interested"}})
    seen = look(ours)
    assert (seen.name, seen.colour, seen.support_email) == ("Solara", "#aa0000", "oi@solara.example")
    assert seen.words == {"en": {"Leads": "Interested", "Home": "Start"}}
    assert seen.pictures == {Mark.LOGO: BLUE.sha256}, "another's dark logo beside one's own would be two brands"
    assert look(theirs).pictures == {Mark.LOGO: RED.sha256, Mark.LOGO_DARK: BLUE.sha256}


def test_what_the_box_locks_stays_the_box_s(wear, look, ours):
    wear(ours, name="Solara", colour="#00aa00", support_phone="11 5555-0101", mail_footer="Solara", login_text="Olá")
    wear(NIL, name="Aurora", colour="#aa0000", support_email="ajuda@aurora.example", locked=["name", "colour", "support"])
    seen = look(ours)
    assert (seen.name, seen.colour, seen.support_phone, seen.support_email) == ("Aurora", "#aa0000", "", "ajuda@aurora.example")
    assert (seen.mail_footer, seen.login_text) == ("Solara", "Olá")
    wear(NIL, name="Aurora")
    assert look(ours).colour == "#00aa00", "unlocked, it is the organisation's again"


def test_an_organisation_cannot_lock(wear, look, ours):
    wear(ours, locked=["name"])
    assert look(ours).locked == []


def test_a_draft_is_seen_by_nobody_until_it_is_published(box, look, ours):
    before = look(ours)
    with box.whole_box("test") as uow:
        actions.save_draft(uow, ours, BrandValues(name="Rascunho"), {Mark.LOGO: RED})
        assert queries.get_brands(uow, ours).draft.name == "Rascunho"
    assert look(ours) == before
    with box.whole_box("test") as uow:
        actions.discard_draft(uow, ours)
        assert queries.get_brands(uow, ours).draft is None
        assert uow.session.scalars(select(BrandPicture)).all() == []
        with pytest.raises(NothingToPublish):
            actions.publish(uow, ours)


def test_back_and_forth_again(box, wear, look, ours):
    wear(ours, {Mark.LOGO: RED}, name="Um", colour="#00aa00")
    wear(ours, {Mark.LOGO: BLUE}, name="Dois")
    for name, colour, picture in (("Um", "#00aa00", RED), ("Dois", "", BLUE)):
        with box.whole_box("test") as uow:
            actions.undo(uow, ours)
        seen = look(ours)
        assert (seen.name, seen.colour, seen.pictures) == (name, colour, {Mark.LOGO: picture.sha256})
    with box.whole_box("test") as uow:
        actions.reset(uow, ours)
    assert look(ours) == BrandValues()
    with box.whole_box("test") as uow:
        actions.undo(uow, ours)
    assert look(ours).name == "Dois"


def test_there_is_nothing_to_go_back_to_at_first(box, ours):
    with box.whole_box("test") as uow, pytest.raises(NothingToUndo):
        actions.undo(uow, ours)


def test_the_organisation_s_settings_and_its_brand_say_the_same(box, wear, look, ours):
    wear(ours, name="Solara", colour="#00aa00")
    with box.unit(ours) as uow:
        tenant = identity.change_tenant(uow, ours, {"settings": {"brand_colour": "#0000aa"}})
        assert tenant.settings["brand_name"] == "Solara"
    assert look(ours).colour == "#0000aa"


def test_pictures_go_when_no_brand_names_them_any_more(box, wear, ours):
    wear(ours, {Mark.LOGO: RED})
    wear(ours, {Mark.LOGO: BLUE})
    wear(ours, {})
    with box.whole_box("test", read_only=True) as uow:
        assert [row.sha256 for row in uow.session.scalars(select(BrandPicture))] == [BLUE.sha256]
        assert queries.find_picture(uow, ours, BLUE.sha256) == BLUE
        assert queries.find_picture(uow, ours, RED.sha256) is None


def test_an_organisation_cannot_see_another_s_picture(box, wear, ours, theirs):
    wear(ours, {Mark.LOGO: RED})
    wear(NIL, {Mark.LOGO: BLUE})
    with box.whole_box("test", read_only=True) as uow:
        assert queries.find_picture(uow, theirs, RED.sha256) is None
        assert queries.find_picture(uow, theirs, BLUE.sha256) == BLUE


def test_whoever_wears_it_is_told(box, wear, ours, theirs):
    def told():
        with box.whole_box("test", read_only=True) as uow:
            return sorted(uow.session.scalars(select(OutboxRow.tenant_id).where(OutboxRow.name == "brand.changed")))

    wear(ours, name="Solara")
    assert told() == [ours]
    wear(NIL, name="Aurora")
    assert told() == sorted([ours, ours, theirs])


def test_an_address_is_one_brand_s(box, ours, theirs):
    with box.whole_box("test") as uow:
        actions.set_domain(uow, ours, "Vendas.Solara.example")
        with pytest.raises(Conflict, match="already uses this address"):
            actions.set_domain(uow, theirs, "vendas.solara.example")
    with box.whole_box("test") as uow:
        assert queries.find_tenant_at(uow, "vendas.solara.example") == ours
        assert queries.find_tenant_at(uow, "outra.example") is None
        actions.set_domain(uow, ours, "")
    with box.whole_box("test", read_only=True) as uow:
        assert queries.find_tenant_at(uow, "vendas.solara.example") is None
        assert queries.find_tenant_at(uow, "") is None


def test_a_brand_goes_from_one_organisation_to_another_in_a_pack(box, wear, look, ours, theirs):
    words = {"pt_BR": {"Leads": "Interessados"}}
    wear(ours, {Mark.LOGO: RED, Mark.FAVICON: BLUE}, name="Solara", colour="#00aa00", login_text="Olá", words=words, mail_footer="Solara")
    with box.whole_box("test") as uow:
        actions.set_domain(uow, ours, "solara.example")
        pack = queries.export_pack(uow, ours)
        actions.set_domain(uow, ours, "")
    with box.whole_box("test") as uow:
        actions.import_pack(uow, theirs, pack)
        assert queries.get_brands(uow, theirs).domain == "solara.example"
    assert look(theirs) == look(ours)
    with box.whole_box("test") as uow:
        assert queries.export_pack(uow, theirs) == pack


def test_an_empty_brand_can_be_exported_too(box):
    with box.whole_box("test", read_only=True) as uow, zipfile.ZipFile(io.BytesIO(queries.export_pack(uow, NIL))) as archive:
        assert archive.namelist() == ["manifest.json"]


def test_a_pack_by_the_page_is_a_draft_first(box, look, ours):
    with box.whole_box("test") as uow:
        assert actions.draft_pack(uow, ours, packs.write({"name": "Boreal"}, {Mark.LOGO: RED})) == ""
        brands = queries.get_brands(uow, ours)
        assert (brands.draft.name, brands.draft.pictures, brands.can_undo) == ("Boreal", {Mark.LOGO: RED.sha256}, False)
    assert look(ours).name != "Boreal"


def test_a_pack_that_must_be_signed_by_one_is_not_taken_from_another(box, ours, look):
    key = packs.Ed25519PrivateKey.generate()
    signed, unsigned = packs.write({"name": "Boreal"}, {}, key), packs.write({"name": "Boreal"}, {})
    fingerprint = signing.fingerprint_of(key.public_key())
    with box.whole_box("test") as uow:
        with pytest.raises(BadPack, match="not signed by that key, but by: nobody"):
            actions.import_pack(uow, ours, unsigned, signed_by=fingerprint)
        with pytest.raises(BadPack, match="not signed by that key"):
            actions.import_pack(uow, ours, signed, signed_by="0000 0000")
        actions.import_pack(uow, ours, signed, signed_by=fingerprint.upper())
    assert look(ours).name == "Boreal"


@pytest.mark.parametrize(("manifest", "why"), [
    ({"colour": "red"}, "colour"), ({"words": {"en": {"Password": "x"}}}, "cannot reword “Password”"), ({"unheard": 1}, "unheard"),
    ({"words": {"en": {"Home": "<b>Home</b>"}}}, "without the signs < > &"),
    ({"words": {"en": {"Home": "100 %"}}}, "without the signs < > &"),
    ({"support_url": "javascript:alert(1)"}, "https://"), ({"domain": "not a domain"}, "domain"),
])  # fmt: skip
def test_a_manifest_is_checked_field_by_field(manifest, why):
    with pytest.raises(BadPack, match=why):
        actions.read_pack(packs.write(manifest, {}))
