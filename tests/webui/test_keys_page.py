"""Keys: what opens the box, the emergency kit, new keys of organisations and how far they are; for the box's operator only."""

import shutil
from http import HTTPStatus

import pytest
from playwright.sync_api import expect

from appliance.core import emergency_kit, envelope, key_slots, resealing
from tests.cast import enter, make_cast, recognise_for_real
from tests.suspending import resume, suspend
from tests.webui.looking import look

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture
def settings(settings, tmp_path):
    """With a key file of its own, which is rotated."""
    own = tmp_path / "own.key"
    shutil.copy(settings.keys.master_key_file, own)
    return settings.model_copy(update={"keys": settings.keys.model_copy(update={"master_key_file": own})})


@pytest.fixture
def cast(box, app):
    recognise_for_real(box)
    return make_cast(box)


@pytest.fixture
def operator(box, app, cast):
    return enter(box, app, cast.ana)


def test_box_without_slots_or_kit_is_told_what_to_do(operator):
    page = operator.get("/admin/keys").text
    assert "salesedge keys kit" in page
    assert "salesedge keys rotate" in page


def test_slots_their_use_and_the_kit_are_shown_and_no_secret(box, operator, tmp_path):
    key_slots.rotate_key_file(box.settings)
    key_slots.add_passphrase(box.settings, "palavras", b"um cavalo alto e quatorze tijolos")
    root = envelope.open_root(box.settings)
    shares = emergency_kit.split(root, threshold=2, shares=3)
    key_slots.note_kit(box.settings, 2, 3)
    page = operator.get("/admin/keys").text
    assert [name in page for name in ("key-file", "palavras", envelope.fingerprint(root))] == [True] * 3
    assert "2 de 3" in page
    assert "salesedge keys rotate<" not in page
    assert [slot.name for slot in key_slots.look(box.settings).slots if slot.name in key_slots.look(box.settings).uses] == ["key-file"]
    kept = envelope.load(box.settings)
    secret = [root.hex(), box.settings.keys.master_key_file.read_bytes().hex(), *shares, *(slot.wrapped for slot in kept.slots)]
    assert not [word for word in secret if word in page]


def test_organisation_that_is_suspended_is_marked(box, operator, cast):
    def badges():
        return operator.get("/admin/keys").text.count(">Suspensa<")

    assert badges() == 0
    suspend(box, cast.carla.tenant_id)
    assert badges() == 1
    resume(box, cast.carla.tenant_id)
    assert badges() == 0


def test_operator_whose_own_organisation_is_suspended_is_told_at_home(box, operator, cast):
    told = "Nenhuma organização está aberta para você"
    assert told not in operator.get("/").text
    suspend(box, cast.ana.tenant_id)
    home = operator.get("/").text
    assert told in home
    assert "salesedge tenants list" in home


def test_slot_of_the_same_name_is_not_taken_for_the_one_before(box):
    key_slots.rotate_key_file(box.settings)
    envelope.open_root(box.settings)
    (box.settings.home / envelope.USES).write_text('{"key-file": "2020-01-01T00:00:00+00:00"}')
    assert key_slots.look(box.settings).uses == {}
    envelope.open_root(box.settings)
    assert list(key_slots.look(box.settings).uses) == ["key-file"]


def test_damaged_slots_are_told_and_the_rest_still_works(box, operator):
    (box.settings.home / envelope.FILE).write_text("{")
    answer = operator.get("/admin/keys")
    assert answer.status_code == HTTPStatus.OK
    assert "keys.json" in answer.text
    assert "Solara Energia" in answer.text


def test_days_that_are_none_and_a_second_rotation_are_refused_at_the_form(box, operator, cast):
    asked = {"tenant_id": str(cast.carla.tenant_id), "keep_days": "30"}
    assert operator.post("/admin/keys/rotations", data=asked | {"keep_days": "-1"}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert operator.post("/admin/keys/rotations", data=asked).status_code == HTTPStatus.FOUND
    assert any("cron-keys-reseal" in str(key) for key in box.redis.keys("rq:job:*"))
    assert operator.post("/admin/keys/rotations", data=asked).status_code == HTTPStatus.CONFLICT
    (rotation,) = resealing.list_progress(box)
    assert (rotation.tenant_id, rotation.generation) == (cast.carla.tenant_id, 2)
    assert operator.post("/admin/keys/resealing").status_code == HTTPStatus.FOUND
    asked["tenant_id"] = str(cast.carla.user_id)
    assert operator.post("/admin/keys/rotations", data=asked).status_code == HTTPStatus.NOT_FOUND


def test_owner_who_does_not_operate_the_box_sees_and_rotates_nothing(box, app, cast):
    carla = enter(box, app, cast.carla)
    assert carla.get("/admin/keys").status_code == HTTPStatus.FORBIDDEN
    asked = {"tenant_id": str(cast.carla.tenant_id), "keep_days": "0"}
    assert carla.post("/admin/keys/rotations", data=asked).status_code == HTTPStatus.FORBIDDEN
    assert resealing.list_progress(box) == []


@pytest.mark.browser
def test_operator_gives_an_organisation_a_new_key(box, ana, new_context):
    key_slots.rotate_key_file(box.settings)
    key_slots.note_kit(box.settings, 3, 5)
    page = new_context(ana).new_page()
    page.goto("/admin/keys")
    page.get_by_label("Dias em que a chave antiga fica").fill("10")
    page.get_by_role("button", name="Nova chave").click()
    page.get_by_role("dialog").get_by_role("button", name="Nova chave").click()
    expect(page.get_by_text("Em andamento")).to_be_visible()
    (rotation,) = resealing.list_progress(box)
    assert (rotation.keep_until - rotation.started_at).days == 10
    look(page, "keys")
