"""Prices, codes and registrations, typed one way and written another."""

import pytest

from appliance.domains.conversations.rules import searching


def finds(typed: str, said: str) -> bool:
    forms, asked = searching.forms_in(said), searching.asked_in(typed)
    has_words = all(any(part.fits(word, form) for form in forms) for part in asked for word in part.known)
    return bool(asked) and has_words and all(searching.says(said, part) for part in asked if part.is_phrase)


@pytest.mark.parametrize("typed", ["1.500,00", "1500,00", "R$ 1.500,00", "R$1.500", '"R$ 1.500,00"', "1.500", "1500"])
@pytest.mark.parametrize("said", ["sai por R$ 1.500,00", "sai por R$1500,00 à vista", "são 1.500,00."])
def test_a_price_is_found_with_and_without_its_points(typed, said):
    assert finds(typed, said) or ("R$" in typed and "R$" not in said)


@pytest.mark.parametrize(("typed", "said"), [("1.500,00", "R$ 1.500,90"), ("1.500,00", "R$ 500,00"), ("1.500", "R$ 1,50")])
def test_another_price_is_not(typed, said):
    assert not finds(typed, said)


@pytest.mark.parametrize("said", ["CNPJ 55.123.456/0001-90", "CNPJ 55123456000190"])
def test_a_company_whose_registration_begins_like_a_phone_is_found(said):
    assert finds("55.123.456/0001-90", said)


@pytest.mark.parametrize(
    ("typed", "said"), [("AB-123/45", "o código AB-123/45"), ("10/11/2026 14:30", "dia 10/11/2026, às 14:30")]
)
def test_digits_within_a_code_or_before_an_hour_are_read_by_themselves(typed, said):
    assert finds(typed, said)
