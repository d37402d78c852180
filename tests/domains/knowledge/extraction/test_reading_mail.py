from email.message import EmailMessage

from appliance.domains.knowledge.types import BlockKind, ExtractionWarning
from tests.domains.knowledge.extraction.paper import Page, block, pdf, read, texts

THREAD = """Bom dia, o desconto final é de 12%.

Ana

> Em 02/03/2026, Bruno escreveu:
> Podem fazer 15%?
>
>> Em 01/03/2026, Ana escreveu:
>> O desconto é de 9%.
"""
OUTLOOK = """Confirmo o prazo de dez dias.

De: Bruno <bruno@loja.example>
Enviada em: segunda-feira, 2 de março de 2026
Para: Ana
Assunto: Prazo

O prazo era de vinte dias.
"""


def mail(body: str, *, html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ana <ana@loja.example>", "Bruno <bruno@cliente.example>", "Condições à vista"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 -0300"
    message.set_content(body)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def test_the_newest_message_is_in_force_and_quotes_are_superseded() -> None:
    found = read(mail(THREAD).as_bytes(), "re.eml")
    assert not block(found, "12%").superseded
    assert block(found, "15%").superseded
    assert block(found, "9%").superseded
    assert block(found, "9%").heading_path[-1] == "Em 01/03/2026, Ana escreveu"


def test_outlook_threads_are_cut_at_their_headers() -> None:
    found = read(mail(OUTLOOK).as_bytes(), "re.eml")
    assert not block(found, "dez dias").superseded
    assert block(found, "vinte dias").superseded


def test_answers_below_the_quote_are_in_force() -> None:
    found = read(mail("> Qual é o prazo?\n\nO prazo é de cinco dias.\n").as_bytes(), "re.eml")
    assert block(found, "Qual é").superseded
    assert not block(found, "cinco dias").superseded


def test_forwarded_text_is_what_the_mail_is_about() -> None:
    found = read(mail("Segue.\n\n---------- Forwarded message ---------\nPreço novo: R$ 10.\n").as_bytes(), "fwd.eml")
    assert not block(found, "Preço novo").superseded


def test_title_author_and_headers() -> None:
    found = read(mail("Olá.").as_bytes(), "x.eml")
    assert found.title == "Condições à vista"
    assert texts(found, BlockKind.NOTE)[0] == "From: Ana <ana@loja.example>"


def test_attachments_are_read_as_the_files_they_are_and_broken_ones_are_named() -> None:
    message = mail("Segue a tabela.")
    table = pdf(Page().lines(60, 80, ["Frete para Betim: nove reais."]))
    message.add_attachment(table, maintype="application", subtype="octet-stream", filename="t.bin")
    message.add_attachment(b"\x00\x01\x02" * 50, maintype="application", subtype="pdf", filename="ruim.pdf")
    found = read(message.as_bytes(), "com-anexo.eml")
    assert block(found, "Betim").source == "t.bin"
    assert block(found, "Betim").heading_path == ("t.bin",)
    assert ExtractionWarning.ATTACHMENT_SKIPPED in found.warnings


def test_mail_inside_mail_stops_at_the_depth_limit() -> None:
    message = mail("fundo")
    for _ in range(6):
        outer = mail("capa")
        outer.add_attachment(message.as_bytes(), maintype="application", subtype="octet-stream", filename="dentro.eml")
        message = outer
    found = read(message.as_bytes(), "boneca.eml", attachment_depth=2)
    assert ExtractionWarning.ATTACHMENT_SKIPPED in found.warnings
    assert "fundo" not in texts(found)


def test_html_only_mail_is_read() -> None:
    message = EmailMessage()
    message["From"], message["Subject"], message["Date"] = "a@b.example", "Oi", "Mon, 02 Mar 2026 10:00:00 -0300"
    message.set_content("<p>Preço: <b>R$ 9</b></p>", subtype="html")
    assert "Preço: R$ 9" in texts(read(message.as_bytes(), "h.eml"))
