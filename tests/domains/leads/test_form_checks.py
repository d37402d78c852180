"""A form that keeps programs out: a sum for the browser, asked by us, good once."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

import pytest

from appliance.core.ids import new_id
from appliance.domains.leads.rules import puzzles
from tests.domains.leads.test_forms import FILLED, leads_of, visitor  # noqa: F401 - a fixture
from tests.factories.leads import make_source

KEY, NONCE, FORM = b"k" * 32, "abcdefghij-_", new_id()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def answer_to(puzzle):
    return next(said for number in count() if puzzles.is_right(said := f"{puzzle}:{number}"))


@pytest.fixture(scope="module")
def answer():
    return answer_to(puzzles.puzzle(KEY, FORM, NONCE, NOW))


@pytest.fixture
def form_id(box, tenant_id):
    with box.unit(tenant_id) as uow:
        return make_source(uow, kind="form", form={"keeps_programs_out": True}).id


@pytest.fixture
def asked(visitor, form_id):  # noqa: F811
    return lambda: visitor.get(f"/forms/{form_id}/check")


def test_a_sum_is_right_when_its_first_bits_are_none(answer):
    assert sha256(answer.encode()).hexdigest().startswith("0" * (puzzles.BITS // 4))
    assert len(answer) <= 55  # one block, which is all that the script hashes
    assert puzzles.solved(KEY, FORM, answer, NOW) == NONCE


def test_a_sum_is_good_for_its_form_its_box_and_two_hours(answer):
    assert puzzles.solved(KEY, FORM, answer, NOW + timedelta(hours=1, minutes=59)) == NONCE
    assert puzzles.solved(KEY, FORM, answer, NOW + timedelta(hours=2, seconds=1)) is None
    assert puzzles.solved(KEY, new_id(), answer, NOW) is None
    assert puzzles.solved(b"o" * 32, FORM, answer, NOW) is None
    longer = f"{int((NOW + timedelta(days=9)).timestamp()):08x}{answer[8:]}"
    assert puzzles.solved(KEY, FORM, longer, NOW) is None
    for junk in ("", answer.replace(":", ";"), answer[:-1], f"{answer}0", f"{answer.partition(':')[0]}:0", "é" * 50):
        assert puzzles.solved(KEY, FORM, junk, NOW) is None or puzzles.is_right(junk)


def test_a_form_that_asks_takes_nothing_without_the_sum_and_each_sum_once(box, tenant_id, visitor, form_id, asked):  # noqa: F811
    back = visitor.post(f"/forms/{form_id}", data=FILLED | {"utm_source": "insta"})
    assert back.headers["Location"] == f"/forms/{form_id}?again=unseen&utm_source=insta"
    refused = visitor.post(f"/forms/{form_id}", json=FILLED | {"form_check": "x"})
    assert (refused.status_code, "JavaScript" in refused.json["detail"]) == (422, True)
    given = {"form_check": answer_to(asked().json["puzzle"])}
    assert visitor.post(f"/forms/{form_id}", data=FILLED | given).headers["Location"] == f"/forms/{form_id}/thanks"
    again = visitor.post(f"/forms/{form_id}", data=FILLED | given | {"name": "Outro"})
    assert again.headers["Location"] == f"/forms/{form_id}?again=unseen"
    assert len(leads_of(box, tenant_id)) == 1


def test_a_sum_is_good_once_whatever_becomes_of_redis_and_a_form_sent_twice_is_one_lead(box, tenant_id, visitor, form_id, asked):  # noqa: F811
    given = {"form_check": answer_to(asked().json["puzzle"])}
    assert visitor.post(f"/forms/{form_id}", data={"message": "só isto"} | given).headers["Location"].endswith("?again=1")
    for _twice in range(2):
        assert visitor.post(f"/forms/{form_id}", data=FILLED | given).headers["Location"] == f"/forms/{form_id}/thanks"
        box.redis.flushdb()
    again = visitor.post(f"/forms/{form_id}", data=FILLED | given | {"name": "Outro", "email": "o@outro.example"})
    assert again.headers["Location"] == f"/forms/{form_id}?again=unseen"
    assert len(leads_of(box, tenant_id)) == 1


def test_any_site_may_ask_for_a_sum_and_each_is_another(asked, visitor, box, tenant_id):  # noqa: F811
    first, second = asked(), asked()
    assert first.json["puzzle"] != second.json["puzzle"]
    assert (first.headers["Access-Control-Allow-Origin"], first.headers["Cache-Control"]) == ("*", "no-store")
    with box.unit(tenant_id) as uow:
        hook = make_source(uow).id
    assert visitor.get(f"/forms/{hook}/check").status_code == 404
