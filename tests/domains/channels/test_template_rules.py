import time
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.errors import Refused
from appliance.domains.channels.gateways.cloud import templates as cloud
from appliance.domains.channels.rules import mail_body, prices, wording
from appliance.domains.channels.rules.templates import problems_of, said_of, slots_of
from appliance.domains.channels.types import Button, ButtonKind, Charge, Parts, TemplateCategory, TemplateKind, Variable

WHATSAPP, EMAIL, CHAT, PIECE = TemplateKind.WHATSAPP, TemplateKind.EMAIL, TemplateKind.CHAT, TemplateKind.PIECE
GOOD = Parts(
    header="Visita {{1}}", body="Olá {{1}}, sua visita é em {{2}}.", footer="Solara Energia",
    buttons=(
        Button(ButtonKind.REPLY, "Confirmo"), Button(ButtonKind.REPLY, "Remarcar"),
        Button(ButtonKind.URL, "Ver", url="https://solara.example/v/{{1}}", example="77"),
        Button(ButtonKind.PHONE, "Ligar", phone="+551155120148"),
    ),
    variables=(Variable("header.1", "", "amanhã"), Variable("1", "contact.first_name", "Bia"), Variable("2", "", "12/12")),
)  # fmt: skip
VALUES = {"header.1": "amanhã", "1": "Ana", "2": "10/12", "url.2": "42"}


def found(parts, *, name="lembrete_de_visita", category=TemplateCategory.UTILITY, kind=WHATSAPP, has_file=False):
    return set(problems_of(kind, name, category, parts, has_file=has_file))


def test_a_good_template_has_no_problems():
    assert found(GOOD) == set()
    assert said_of(problems_of(WHATSAPP, "x", TemplateCategory.UTILITY, GOOD, has_file=False)) == ""


def body(text, *names):
    return Parts(body=text, variables=tuple(Variable(name, "", "x") for name in names))


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        (Parts(), "body"),
        (body("x" * 1025), "body"),
        (body("{{1}} chegou.", "1"), "body"),
        (body("Chegou {{1}}", "1"), "body"),
        (body("Oi {{1}} {{2}}.", "1", "2"), "body"),
        (body("Oi {{1}} e {{3}}.", "1", "3"), "body"),
        (body("Oi {{1}} e {{nome}}.", "1", "nome"), "body"),
        (body("Oi {{contact.name}}.", "contact.name"), "body"),
        (body("Oi {{nome|amigo}}.", "nome"), "body"),
        (body("Oi {{1}.", "1"), "body"),
        (body("Oi\n\n\n\n\nBia"), "body"),
        (body("Oi {{1}}."), "variables"),
        (replace(body("Oi {{1}}.", "1"), variables=(Variable("1", "contact.shoe_size", "42"),)), "variables"),
        (replace(GOOD, header="*Visita*"), "header"),
        (replace(GOOD, header="x" * 61), "header"),
        (replace(GOOD, header="De {{1}} a {{2}}!"), "header"),
        (replace(GOOD, media="GIF"), "header"),
        (replace(GOOD, media="IMAGE"), "header"),
        (replace(GOOD, media="IMAGE", header=""), "file"),
        (replace(GOOD, footer="x" * 61), "footer"),
        (replace(GOOD, footer="Oi {{1}}"), "footer"),
        (replace(GOOD, footer="a\nb"), "footer"),
        (replace(GOOD, buttons=GOOD.buttons[:1] * 2), "buttons"),
        (replace(GOOD, buttons=(GOOD.buttons[0], GOOD.buttons[2], GOOD.buttons[1])), "buttons"),
        (replace(GOOD, buttons=(Button(ButtonKind.REPLY, "x" * 26),)), "buttons"),
        (replace(GOOD, buttons=(Button(ButtonKind.URL, "Ver", url="solara.example"),)), "buttons"),
        (replace(GOOD, buttons=(Button(ButtonKind.URL, "Ver", url="https://s.example/{{1}}"),)), "buttons"),
        (replace(GOOD, buttons=(Button(ButtonKind.PHONE, "Ligar", phone="liga aí"),)), "buttons"),
        (replace(GOOD, buttons=(Button(ButtonKind.OTHER, "Catálogo"),)), "buttons"),
        (replace(GOOD, buttons=tuple(Button(ButtonKind.PHONE, f"L{n}", phone="5511955120148") for n in range(2))), "buttons"),
    ],
)
def test_what_meta_would_refuse_is_named_at_its_field(parts, field):
    assert field in found(parts)


def test_a_name_is_small_letters_and_codes_are_metas_own():
    assert found(GOOD, name="Lembrete de visita") == {"name"}
    assert found(GOOD, category=TemplateCategory.AUTHENTICATION) == set()


def test_what_nobody_approves_has_fewer_rules():
    assert found(Parts(body="Oi {{contact.first_name|tudo bem}}!"), kind=CHAT, name="Boas-vindas") == set()
    assert found(Parts(), kind=EMAIL) == {"body"}
    assert found(Parts(body="x"), kind=PIECE, name="minha assinatura") == {"name"}
    assert found(replace(GOOD, variables=()), kind=CHAT) == {"buttons"}
    assert found(Parts(body="x", buttons=tuple(Button(text=str(n)) for n in range(4))), kind=CHAT) == {"buttons"}


@pytest.mark.parametrize("text", ["Oi {{contact.first_name}, tudo bem?", "Até {{ quando", "Até quando}}", "Oi {{primeiro nome}}"])
def test_a_variable_that_is_never_closed_would_be_read_by_the_customer(text):
    assert found(Parts(body=text), kind=CHAT) == {"body"}
    assert found(Parts(header=text, body="Oi {{contact.name}}\n{{> assinatura}}"), kind=EMAIL) == {"header"}


def test_places_of_header_and_body_are_told_apart_for_whatsapp_only():
    assert slots_of(WHATSAPP, GOOD) == ["header.1", "1", "2", "url.2"]
    assert slots_of(EMAIL, Parts(header="{{nome}}", body="{{nome}} {{dia}}")) == ["nome", "dia"]


def test_it_is_read_as_whatsapp_fills_it():
    filled = wording.fill(WHATSAPP, GOOD, VALUES)
    assert (filled.header, filled.body) == ("Visita amanhã", "Olá Ana, sua visita é em 10/12.")
    assert filled.text == "Visita amanhã\n\nOlá Ana, sua visita é em 10/12.\n\nSolara Energia"
    assert (filled.buttons, filled.missing) == (("Confirmo", "Remarcar", "Ver", "Ligar"), ())
    half = wording.fill(WHATSAPP, GOOD, {"1": "Ana"})
    assert (half.body, half.missing) == ("Olá Ana, sua visita é em {{2}}.", ("header.1", "2", "url.2"))


def test_what_is_sent_names_each_place_and_no_line_breaks():
    assert wording.components_of(GOOD, {**VALUES, "2": "dia 10\n às   10h"}) == [
        {"type": "header", "parameters": [{"type": "text", "text": "amanhã"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ana"}, {"type": "text", "text": "dia 10 às   10h"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "choice-1"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{"type": "payload", "payload": "choice-2"}]},
        {"type": "button", "sub_type": "url", "index": "2", "parameters": [{"type": "text", "text": "42"}]},
    ]
    named = Parts(body="Olá {{nome}}, até {{dia}}!")
    [component] = wording.components_of(named, {"nome": "Ana", "dia": "10/12"})
    assert [one["parameter_name"] for one in component["parameters"]] == ["nome", "dia"]
    assert wording.components_of(Parts(body="Oi!"), {}) == []


def test_numbers_are_sent_in_their_order_not_in_the_texts():
    [component] = wording.components_of(Parts(body="Dia {{2}}, {{1}}!"), {"1": "Ana", "2": "10"})
    assert [one["text"] for one in component["parameters"]] == ["Ana", "10"]


def test_examples_fill_a_preview():
    assert wording.example_values(WHATSAPP, GOOD) == {"header.1": "amanhã", "1": "Bia", "2": "12/12", "url.2": "77"}


def test_a_spare_word_needs_no_value():
    filled = wording.fill(CHAT, Parts(body="Oi {{contact.first_name|tudo bem}}, veja {{link}}."), {})
    assert (filled.body, filled.missing) == ("Oi tudo bem, veja.", ("link",))


def test_only_texts_are_sent_from_here():
    assert wording.is_sendable_by_us(GOOD)
    assert not wording.is_sendable_by_us(replace(GOOD, media="GIF"))
    assert not wording.is_sendable_by_us(replace(GOOD, buttons=(Button(ButtonKind.OTHER, "Código"),)))


def test_pieces_stand_in_their_places_and_none_holds_itself():
    pieces = {"assinatura": "Ana\n{{> rodape}}", "rodape": "Solara {{> assinatura}}"}
    assert wording.with_pieces("Oi\n{{> assinatura}}!{{>nada}}", pieces) == "Oi\nAna\nSolara Ana\n!"


def test_a_mail_is_html_and_text_of_one_source():
    source = "# Olá {{nome}}\n\nSua **proposta** está [aqui](https://solara.example/p).\n\n- um\n- dois"
    assert mail_body.as_html(source, {"nome": "Ana"}) == (
        '<h1>Olá Ana</h1>\n<p>Sua <strong>proposta</strong> está <a href="https://solara.example/p" rel="noopener">aqui</a>.</p>\n'
        "<ul>\n<li>um</li>\n<li>dois</li>\n</ul>\n"
    )
    assert mail_body.as_text(source, {"nome": "Ana"}) == "Olá Ana\n\nSua proposta está aqui (https://solara.example/p).\n\n- um\n- dois"


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "[clique](javascript:alert(1))", "**x** https://evil.example", "{{me.name}}", "a\n# b"]
)
def test_what_is_filled_in_is_text_and_nothing_else(name):
    html = mail_body.as_html("Oi {{nome}}!", {"nome": name, "me.name": "Rui"})
    assert html.count("<") == 2
    assert "href" not in html
    assert "Rui" not in html


def test_a_template_itself_brings_no_script():
    html = mail_body.as_html("<script>alert(1)</script> [x](javascript:alert(1)) ![p](https://evil.example/p.png)", {})
    assert "<script" not in html
    assert "<img" not in html
    assert "javascript:" not in html.replace("[x](javascript:alert(1))", "")


@pytest.mark.parametrize("address", ["//evil.example", "/painel", "../x", "?a=1", "evil.example"])
def test_a_link_that_does_not_say_how_it_is_reached_leads_nowhere(address):
    assert "href" not in mail_body.as_html(f"[veja]({address})", {})


@given(st.text(alphabet="*_`[]()<>#!-\\ {}|ab\n~&:/@.+", max_size=60))
def test_no_value_opens_a_tag(value):
    assert mail_body.as_html("Oi {{nome}}!", {"nome": value}).count("<") <= 2


def test_what_is_asked_of_meta_has_an_example_for_each_place():
    assert cloud.components_of(GOOD)[:3] == [
        {"type": "HEADER", "format": "TEXT", "text": "Visita {{1}}", "example": {"header_text": ["amanhã"]}},
        {"type": "BODY", "text": GOOD.body, "example": {"body_text": [["Bia", "12/12"]]}},
        {"type": "FOOTER", "text": "Solara Energia"},
    ]
    named = Parts(body="Olá {{nome}}!", variables=(Variable("nome", "", "Bia"),))
    assert cloud.components_of(named)[0]["example"] == {"body_text_named_params": [{"param_name": "nome", "example": "Bia"}]}


HEAD = "country,charge,valid_from,currency,amount,source\n"
LIST = prices.read_prices(
    HEAD + "BR,utility,2025-07-01,USD,0.0068,a\nBR,utility,2026-10-01,BRL,0.04,b\n"
    "BR,service,2026-10-01,USD,,c\nPT,utility,2025-07-01,USD,0.0171,d\n"
)


def test_the_newest_line_of_the_day_holds():
    assert prices.price_on(LIST, "BR", Charge.UTILITY, date(2026, 9, 30)).micros == 6800
    assert prices.price_on(LIST, "BR", Charge.UTILITY, date(2026, 10, 1)).currency == "BRL"
    assert prices.price_on(LIST, "BR", Charge.UTILITY, date(2025, 6, 30)) is None
    assert prices.price_on(LIST, "BR", Charge.SERVICE, date(2026, 10, 2)).micros is None
    assert prices.price_on(LIST, "AR", Charge.UTILITY, date(2026, 10, 2)) is None


@pytest.mark.parametrize(
    ("category", "is_open", "charge"),
    [
        (None, True, Charge.SERVICE),
        (TemplateCategory.UTILITY, True, Charge.UTILITY_IN_WINDOW),
        (TemplateCategory.UTILITY, False, Charge.UTILITY),
        (TemplateCategory.MARKETING, True, Charge.MARKETING),
        (TemplateCategory.AUTHENTICATION, False, Charge.AUTHENTICATION),
    ],
)
def test_what_is_charged_hangs_on_category_and_window(category, is_open, charge):
    assert prices.charge_of(category, window_open=is_open) is charge


@pytest.mark.parametrize(
    ("number", "country"), [("5531999990001", "BR"), ("+351912345678", "PT"), ("12125550123", "US"), ("999", ""), ("x", "")]
)
def test_the_country_is_in_the_number(number, country):
    assert prices.country_of(number) == country


@pytest.mark.parametrize(
    "text",
    [
        "", "a,b\n", HEAD + "BR,utility\n", HEAD + "Brasil,utility,2025-07-01,USD,1,x\n", HEAD + "BR,free,2025-07-01,USD,1,x\n",
        HEAD + "BR,utility,01/07/2025,USD,1,x\n", HEAD + "BR,utility,2025-07-01,R$,1,x\n", HEAD + "BR,utility,2025-07-01,USD,muito,x\n",
        HEAD + "BR,utility,2025-07-01,USD,-1,x\n", HEAD + "BR,utility,2025-07-01,USD,NaN,x\n", HEAD + 2 * "BR,utility,2025-07-01,USD,1,x\n",
    ],
)  # fmt: skip
def test_a_wrong_line_of_prices_is_named(text):
    with pytest.raises(Refused, match=r"[Ll]in(e|ha) \d"):
        prices.read_prices(text)


def test_too_many_lines_are_refused_and_semicolons_are_read():
    with pytest.raises(Refused):
        prices.read_prices(HEAD + "x\n" * (prices.MOST + 1))
    [price] = prices.read_prices("\ufeff" + HEAD.replace(",", ";") + "BR;utility;2025-07-01;USD;0,0068;fonte\n# nota\n")
    assert (price.micros, price.source) == (6800, "fonte")


def test_pieces_that_multiply_end():
    pieces = {"a": "{{> b}}" * 2_500, "b": "x" * 20_000}
    assert len(wording.with_pieces("{{> a}}" * 2_500, pieces)) <= wording.MOST_INSERTED


@pytest.mark.parametrize("text", ["[" * 20_000, "[a](" * 5_000])
def test_brackets_that_never_close_cost_their_length(text):
    began = time.process_time()
    mail_body.as_text(text, {})
    assert time.process_time() - began < 3
