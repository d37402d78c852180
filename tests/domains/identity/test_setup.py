from concurrent.futures import ThreadPoolExecutor

import pytest

from appliance.core.errors import DomainError, Refused, TooMany
from appliance.domains.identity import actions, queries
from appliance.domains.identity.errors import AlreadySetUp, SetupCodeWrong, WeakPassword
from appliance.domains.identity.types import Device, Setup
from tests.cast import PASSWORD

SETUP = Setup("Ana@Solara.example", PASSWORD, "Ana Prado", "Solara Energia", "en", "America/Fortaleza", "#0b6b5d")
HERE = Device("192.0.2.1", "tests")


def test_setup_makes_an_operator_who_owns_the_first_tenant(box):
    signed_in = actions.complete_setup(box, code=actions.create_setup_code(box), setup=SETUP, device=HERE)
    with box.unit(signed_in.tenant_id) as uow:
        user = queries.get_user(uow, signed_in.user_id)
        assert (user.email, user.is_operator, user.locale) == ("ana@solara.example", True, "en")
        tenant = queries.get_tenant(uow)
        assert (tenant.slug, tenant.timezone) == ("solara-energia", "America/Fortaleza")
        assert tenant.settings == {"brand_name": "Solara Energia", "brand_colour": "#0b6b5d"}
        assert queries.find_member_of_user(uow, user.id).role == "owner"
    assert box.keys.unseal(box.keys.seal(signed_in.tenant_id, b"x")) == b"x"


def test_the_code_is_read_as_people_type_it(box):
    code = actions.create_setup_code(box)
    actions.check_setup_code(box, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"), HERE)


@pytest.mark.parametrize("code", ["", "0000-0000-0000", "x" * 5000])
def test_a_wrong_code_sets_nothing_up(box, code):
    actions.create_setup_code(box)
    with pytest.raises(SetupCodeWrong):
        actions.complete_setup(box, code=code, setup=SETUP, device=HERE)
    with box.whole_box("test") as uow:
        assert not queries.is_set_up(uow)


def test_a_new_code_replaces_the_old(box):
    old = actions.create_setup_code(box)
    actions.create_setup_code(box)
    with pytest.raises(SetupCodeWrong):
        actions.check_setup_code(box, old, HERE)


def test_guessing_the_code_is_stopped(box):
    actions.create_setup_code(box)
    for _ in range(10):
        with pytest.raises(SetupCodeWrong):
            actions.check_setup_code(box, "0000-0000-0000", HERE)
    with pytest.raises(TooMany) as refused:
        actions.check_setup_code(box, "0000-0000-0000", Device("192.0.2.99"))
    assert 0 < refused.value.retry_after <= 900


def test_a_weak_password_leaves_the_code_good(box):
    code = actions.create_setup_code(box)
    with pytest.raises(WeakPassword):
        actions.complete_setup(box, code=code, setup=Setup("a@b.example", "short", "Ana", "Solara"), device=HERE)
    assert actions.complete_setup(box, code=code, setup=SETUP, device=HERE)


def test_a_box_that_has_users_gives_no_code_and_takes_none(box, ana):
    assert actions.create_setup_code(box) is None
    with pytest.raises(AlreadySetUp):
        actions.complete_setup(box, code="0000-0000-0000", setup=SETUP, device=HERE)
    with pytest.raises(AlreadySetUp):
        actions.set_up_from_console(box, SETUP)


def test_two_setups_at_once_make_one_box(box):
    code = actions.create_setup_code(box)

    def attempt(_):
        try:
            return actions.complete_setup(box, code=code, setup=SETUP, device=HERE)
        except DomainError as err:
            return err

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(attempt, range(2)))
    assert sorted(isinstance(result, DomainError) for result in results) == [False, True]


@pytest.mark.parametrize("email", ["", "ana", "ana@", "@x.example", "a b@x.example", "ana@x", "a@@x.example", "a" * 300 + "@x.example"])
def test_what_is_no_address_is_refused_before_anything_is_made(box, email):
    with pytest.raises(Refused):
        actions.set_up_from_console(box, Setup(email, PASSWORD, "Ana", "Solara"))
    with box.whole_box("test") as uow:
        assert not queries.is_set_up(uow)


def test_an_address_of_a_private_network_is_an_address(box):
    assert actions.set_up_from_console(box, Setup("ana@loja.local", PASSWORD, "Ana", "Solara"))


def test_a_time_zone_that_does_not_exist_is_refused(box):
    with pytest.raises(Refused):
        actions.set_up_from_console(box, Setup("ana@loja.local", PASSWORD, "Ana", "Solara", timezone="Mars/Olympus"))
