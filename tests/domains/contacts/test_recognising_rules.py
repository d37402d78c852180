"""Phones, e-mails, documents and ids, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.contacts.rules import emails, identities, phones
from appliance.domains.contacts.rules.documents import is_cnpj, is_cpf, normalise_document
from appliance.domains.contacts.rules.emails import normalise_email
from appliance.domains.contacts.rules.phones import normalise_phone, phone_forms
from appliance.domains.contacts.types import Identity, IdentityKind


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("(11) 98888-7777", "+5511988887777"),
        ("011 98888 7777", "+5511988887777"),
        ("+55 11 98888-7777", "+5511988887777"),
        ("5511988887777", "+5511988887777"),
        ("(11) 3333-4444", "+551133334444"),
        ("0800 123 4567", "+558001234567"),
        ("+1 415 555 2671", "+14155552671"),
    ],
)
def test_a_phone_is_written_one_way(raw, e164):
    assert normalise_phone(raw, "BR") == e164


def test_eight_digit_mobiles_are_never_rewritten():
    assert normalise_phone("(11) 8888-7777", "BR") == "+551188887777"
    assert normalise_phone("551188887777", "BR") == "+551188887777"


@pytest.mark.parametrize("raw", ["", "123", "call me", "+55 11", "11 1111-1111", "999999999999999999999"])
def test_what_no_network_could_have_is_no_phone(raw):
    assert normalise_phone(raw, "BR") is None


def test_a_mobile_has_two_forms_and_a_landline_one():
    assert phone_forms("+5511988887777") == ("+5511988887777", "+551188887777")
    assert phone_forms("+551188887777") == ("+551188887777", "+5511988887777")
    assert phone_forms("+551133334444") == ("+551133334444",)
    assert phone_forms("+14155552671") == ("+14155552671",)


@given(st.integers(11, 99), st.integers(60_000_000, 99_999_999))
def test_either_form_leads_to_the_other(area, line):
    forms = phone_forms(f"+55{area}{line}")
    assert set(phone_forms(forms[-1])) == set(forms)


@given(st.text(max_size=40))
def test_normalising_twice_changes_nothing(raw):
    once = normalise_phone(raw, "BR")
    assert once is None or normalise_phone(once, "BR") == once


@given(st.from_regex(r"\(?[0-9]{2}\)? ?9[0-9]{4}[- ]?[0-9]{4}", fullmatch=True))
def test_a_mobile_as_most_type_it_is_what_the_library_reads(raw):
    assert normalise_phone(raw, "BR") == phones.parsed(raw, "BR")


@pytest.mark.parametrize(
    ("raw", "email"),
    [
        (" Ana.Souza@Solara.Example ", "ana.souza@solara.example"),
        ("vendas@pão.example", "vendas@xn--po-sia.example"),
        ("STRASSE@straße.example", "strasse@xn--strae-oqa.example"),
        ("ana@", None),
        ("not an address", None),
    ],
)
def test_an_email_is_written_one_way(raw, email):
    assert normalise_email(raw) == email


@given(st.from_regex(r"[A-Za-z0-9._+-]{1,66}@[A-Za-z0-9.-]{1,70}", fullmatch=True) | st.emails())
def test_an_address_as_most_write_it_is_what_the_library_finds(raw):
    assert normalise_email(raw) == emails.validated(raw)


@given(st.emails())
def test_an_email_survives_normalising_twice(raw):
    once = normalise_email(raw)
    assert once is None or normalise_email(once) == once


@pytest.mark.parametrize(
    ("raw", "bare"),
    [
        ("529.982.247-25", "52998224725"),
        ("11.222.333/0001-81", "11222333000181"),
        ("12.ABC.345/01DE-35", "12ABC34501DE35"),  # the tax office's own example
        ("12.abc.345/01de-35", "12ABC34501DE35"),
    ],
)
def test_documents_keep_letters_and_digits(raw, bare):
    assert normalise_document(raw) == bare


@pytest.mark.parametrize("raw", ["", "529.982.247-26", "111.111.111-11", "11.222.333/0001-80", "12.ABC.345/01DE-36", "1234"])
def test_wrong_check_digits_are_no_document(raw):
    assert normalise_document(raw) is None


@given(st.text(alphabet="0123456789", min_size=9, max_size=9).filter(lambda body: len(set(body)) > 1))
def test_every_cpf_root_has_its_check_digits(body):
    assert sum(is_cpf(f"{body}{digits:02}") for digits in range(100)) == 1


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12, max_size=12).filter(lambda body: len(set(body)) > 1))
def test_every_company_root_has_its_check_digits(body):
    assert sum(is_cnpj(f"{body}{digits:02}") for digits in range(100)) == 1


def normalised(kind, value, scope=""):
    return identities.normalise([Identity(kind, value, scope)], "BR")


def test_a_whatsapp_account_brings_its_phone():
    assert normalised(IdentityKind.WHATSAPP, "5511988887777:12@s.whatsapp.net") == [
        Identity(IdentityKind.WHATSAPP, "5511988887777"),
        Identity(IdentityKind.PHONE, "+5511988887777"),
    ]


@pytest.mark.parametrize("kind", [IdentityKind.WHATSAPP, IdentityKind.WHATSAPP_LID])
def test_a_lid_is_no_phone(kind):
    assert normalised(kind, "1112223334445@lid") == [Identity(IdentityKind.WHATSAPP_LID, "1112223334445")]


def test_the_scope_stays_where_an_id_is_only_unique_within_it():
    assert normalised(IdentityKind.EXTERNAL, " 42 ", "hubspot") == [Identity(IdentityKind.EXTERNAL, "42", "hubspot")]
    assert normalised(IdentityKind.EMAIL, "A@B.example", "hubspot") == [Identity(IdentityKind.EMAIL, "a@b.example")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (IdentityKind.EMAIL, "nobody"),
        (IdentityKind.PHONE, "12"),
        (IdentityKind.WHATSAPP, "status@broadcast"),
        (IdentityKind.WEBCHAT, "  "),
    ],
)
def test_what_makes_no_sense_is_left_out(kind, value):
    assert normalised(kind, value) == []


def test_the_same_id_counts_once():
    phone = Identity(IdentityKind.PHONE, "11 98888-7777")
    assert len(identities.normalise([phone, Identity(IdentityKind.PHONE, "+5511988887777"), phone], "BR")) == 1


def test_forms_begin_with_the_identity_itself():
    account = Identity(IdentityKind.WHATSAPP, "5511988887777")
    assert identities.forms(account) == (account, Identity(IdentityKind.WHATSAPP, "551188887777"))
    lid = Identity(IdentityKind.WHATSAPP_LID, "99")
    assert identities.forms(lid) == (lid,)
