"""What a person wrote, without what their program put around it."""

import time

import pytest

from appliance.domains.channels.gateways.email import reading, text
from appliance.domains.channels.gateways.email.composing import answer_subject
from tests.domains.channels.email.conftest import mail


@pytest.mark.parametrize(("html", "said"), [
    ("<style>x{}</style><p>Olá,<br>quanto&nbsp;custa &lt;b&gt;?</p><script>alert(1)</script>", "Olá,\nquanto custa <b>?"),
    ('<p>novo</p><div class="gmail_quote"><p>Em seg escreveu:</p><blockquote>velho</blockquote></div>', "novo"),
    ('<p>novo</p><div id="divRplyFwdMsg">De: x</div><p>velho</p>', "novo"),
    ("<p>um</p><blockquote>citado</blockquote><p>dois</p>", "um\n\ndois"),
    ("<blockquote>só isto</blockquote>", "só isto"),
    ("<table><tr><td>a</td></tr><tr><td>b</td></tr></table>", "a\n\nb"),
    ("", ""),
])  # fmt: skip
def test_html_is_read_as_lines_without_the_history(html, said):
    assert text.of_html(html) == said


@pytest.mark.parametrize(("plain", "said"), [
    ("novo\n\nEm seg., 3 de nov. de 2025 às 10:00, Ana <ana@x.com>\nescreveu:\n\n> velho\n", "novo"),
    ("new\r\n\r\nOn Mon, Nov 3, 2025 at 10:00 AM Ana <ana@x.com> wrote:\r\n> old", "new"),
    ("novo\n> citado\nresposta\n", "novo\n\nresposta"),
    ("novo\n\nDe: Ana\nEnviado: segunda\nPara: x\n\nvelho", "novo"),
    ("novo\n\n-----Mensagem original-----\nvelho", "novo"),
    ("> só citado", "> só citado"),
    ("De: São Paulo\nPara: Rio, quanto custa?", "De: São Paulo\nPara: Rio, quanto custa?"),
])
def test_plain_text_is_cut_where_the_history_begins(plain, said):
    assert text.without_history(plain) == said


@pytest.mark.parametrize("html", ["<p>ola <b>x</b></p>" * 20_000, "<div>" * 5000, "<blockquote>" * 12_000, "<a " * 100_000])
def test_html_costs_what_it_is_long(html):
    began = time.process_time()
    text.of_html(html)
    assert time.process_time() - began < 15


@pytest.mark.parametrize("html", [
    "<div>" * 60_000, "<x>" * 30_000 + "</y>" * 30_000, "<x><p></x></p>" * 20_000,
    '<div a="></div>">' * 17_000, "<div><!--</div>-->" * 16_000,
    "<p>" + "".join(f"<b id={number}>" for number in range(200)) + "<p>x" * 6000, "<!" * 100_000,
])  # fmt: skip
def test_html_made_to_be_deep_is_read_for_its_words_alone(html, monkeypatch):
    monkeypatch.setattr(text.nh3, "clean", lambda *_, **__: pytest.fail("a tree was built"))
    began = time.process_time()
    assert "quanto custa?" in text.of_html(f"<style>a</style><i>quanto custa?</i>{html}")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(("header", "value"), [
    ("Auto-Submitted", "auto-generated"), ("Precedence", "bulk"), ("List-Id", "<novidades.example>"), ("X-Auto-Response-Suppress", "All"),
    ("Return-Path", "<>"), ("List-Unsubscribe", "<https://x.example>"), ("list-post", "<mailto:x@x.example>"),
])
def test_machines_are_known_by_their_headers(header, value):
    made = mail()
    made[header] = value
    assert reading.read(made.as_bytes()).is_automatic


@pytest.mark.parametrize(("results", "is_forged"), [
    ([], False), (["mx.example; none"], False),
    (["mx.example 1; dkim=pass header.d=x.example; spf=fail smtp.mailfrom=y.example; dmarc=pass header.from=x.example"], False),
    (["mx.example; spf=pass smtp.mailfrom=y.example;\r\n dmarc=fail (p=none dis=none) header.from=x.example"], True),
    (["mx.example; dkim=none; spf=fail smtp.mailfrom=x.example"], True), (["mx.example; dkim=pass; spf=fail"], False),
    (["mx.example; spf=softfail"], False), (["mx.example; arc=pass (i=1 dmarc=fail); DMARC=Pass"], False),
    (["mx.example; spf=pass", "mx.example; dmarc=fail", "else.example; dmarc=pass"], True),
    (["mx.example; dmarc=pass", "else.example; dmarc=fail"], False), ([""], False), (["; dmarc = fail"], True),
])  # fmt: skip
def test_what_our_mail_server_disowns_is_forged(results, is_forged):
    head = "".join(f"Authentication-Results: {one}\r\n" for one in results)
    assert reading.read(head.encode() + mail().as_bytes()).is_forged is is_forged


def test_a_person_is_no_machine():
    assert not reading.read(mail(Auto_Submitted="no").as_bytes()).is_automatic
    assert reading.read(mail(sender="no-reply@loja.example").as_bytes()).is_automatic


@pytest.mark.parametrize("subject", ["Orçamento", "Re: Orçamento", "RES: Re: Orçamento", "re[2]: Orçamento"])
def test_an_answer_says_re_once(subject):
    assert answer_subject(subject) == "Re: Orçamento"


@pytest.mark.parametrize("header", [
    b"Subject: " + b"=?utf-8?q?a?= " * 100_000, b"Subject: =?punycode?q?a" + b"9" * 200_000 + b"?=",
    b'Content-Type: text/plain; a="' + b'\\";' * 50_000, b"Content-Type: text/plain; charset=punycode\n\n" + b"b9" * 200_000,
], ids=["words", "a slow charset", "parameters", "a text in a slow charset"])
def test_headers_of_any_length_are_read_in_no_time(header):
    began = time.process_time()
    reading.read(b"From: a@cliente.example\n" + header + b"\n\noi")
    assert time.process_time() - began < 10


@pytest.mark.parametrize("charset", ["idna", "undefined", '"a\0b"', "none-such"])
def test_a_charset_that_is_none_puts_no_mail_aside(charset):
    assert reading.read(f"From: a@cliente.example\nContent-Type: text/plain; charset={charset}\n\noi".encode()).text == "oi"


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("said", ["", "Content-Type: text/plain\n", "Content-Type: text/plain; charset=us-ascii\n"])
def test_letters_whose_charset_nobody_names_are_read_as_they_were_meant(said, encoding):
    read = reading.read(f"From: Antônio <antonio@cliente.example>\nSubject: Cotação\n{said}\nO preço não é “esse”?".encode(encoding))
    assert (read.name, read.sender, read.subject) == ("Antônio", "antonio@cliente.example", "Cotação")
    assert read.text == "O preço não é “esse”?"


def test_a_long_text_that_is_cut_in_a_letter_keeps_the_others():
    written = "x" + "ç" * (reading.LONGEST_TEXT // 2)
    assert set(reading.read(f"From: a@cliente.example\n\n{written}".encode()).text) == {"x", "ç"}


@pytest.mark.parametrize("wrong", [RecursionError, TypeError, ValueError])
def test_a_name_that_cannot_be_read_is_empty_and_the_mail_is_read(wrong, monkeypatch):
    def breaks(_said):
        raise wrong

    monkeypatch.setattr(reading, "decode_header", breaks)
    made = mail("quanto custa?")
    made.add_attachment(b"x", maintype="application", subtype="pdf", filename="a.pdf")
    read = reading.read(made.as_bytes())
    assert (read.text, read.name) == ("quanto custa?", "")
    assert read.sender


def test_a_sender_that_breaks_its_reader_costs_its_name():
    assert reading.read(b"From: " + b"(" * 9000 + b"\r\n\r\nquanto custa?").text == "quanto custa?"
