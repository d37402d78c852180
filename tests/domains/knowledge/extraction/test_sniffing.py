import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.domains.knowledge.gateways.extraction import sniff
from appliance.domains.knowledge.gateways.extraction.limits import MIB, Limits
from appliance.domains.knowledge.gateways.extraction.sniff import MediaType
from appliance.domains.knowledge.gateways.extraction.unreadable import Unreadable
from appliance.domains.knowledge.types import ExtractionFailure, ExtractionWarning
from tests.domains.knowledge.extraction.paper import Page, pdf, picture, png, read

MAIL = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: Oi\r\nDate: Mon, 2 Mar 2026 10:00:00 -0300\r\n\r\nTexto.\r\n"


def zipped(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(zipfile.ZipInfo(name.replace("__", "/")), content, zipfile.ZIP_DEFLATED)  # of no date: tests are named by it
    return stream.getvalue()


def packed_whole() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as package:
        package.writestr(zipfile.ZipInfo("word/document.xml"), bytes(1000), zipfile.ZIP_LZMA)
    return stream.getvalue()


@pytest.mark.parametrize(("content", "name", "kind"), [
    (pdf(Page()), "foto.jpg", MediaType.PDF),
    (png(picture([])), "contrato.pdf", MediaType.PNG),
    (MAIL, "mensagem.txt", MediaType.MAIL),
    (b"<!DOCTYPE html><p>oi</p>", "pagina.txt", MediaType.HTML),
    (b"a;b\n1;2\n3;4\n", "tabela.txt", MediaType.CSV),
    (b"uma frase; e outra, sem tabela nenhuma", "nota.txt", MediaType.TEXT),
    (b'{"a": 1}', "dados", MediaType.JSON),
    (b"# Titulo\n\n| a | b |\n|---|---|\n", "LEIAME", MediaType.MARKDOWN),
    (zipped(**{"[Content_Types].xml": b"", "word__document.xml": b""}), "planilha.xlsx", MediaType.DOCX),
])
def test_content_decides_what_a_file_is(content: bytes, name: str, kind: MediaType) -> None:
    assert sniff.media_type(content, name, Limits()) is kind


@pytest.mark.parametrize(("content", "failure"), [
    (b"", ExtractionFailure.EMPTY),
    (b" \r\n\0\0", ExtractionFailure.EMPTY),
    (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 4, ExtractionFailure.UNSUPPORTED),
    (zipped(readme=b"x"), ExtractionFailure.UNSUPPORTED),
    (zipped(readme=b"x")[:40], ExtractionFailure.CORRUPT),
    (packed_whole(), ExtractionFailure.CORRUPT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ExtractionFailure.LEGACY_OFFICE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), ExtractionFailure.ENCRYPTED),
    (zipped(**{"[Content_Types].xml": b"", "word__document.xml": bytes(40 * MIB)}), ExtractionFailure.ZIP_BOMB),
])
def test_what_cannot_be_read_has_a_reason(content: bytes, failure: ExtractionFailure) -> None:
    with pytest.raises(Unreadable) as problem:
        sniff.media_type(content, "arquivo.docx", Limits())
    assert problem.value.failure is failure


def test_a_large_package_is_refused_by_its_total() -> None:
    with pytest.raises(Unreadable) as problem:
        sniff.media_type(zipped(**{"word__document.xml": bytes(3 * MIB)}), "a.docx", Limits(expanded_bytes=MIB))
    assert problem.value.failure is ExtractionFailure.ZIP_BOMB


def test_a_wrong_extension_is_told() -> None:
    found = read(pdf(Page().lines(60, 80, ["Texto do documento."])), "documento.docx")
    assert ExtractionWarning.WRONG_EXTENSION in found.warnings


@given(st.binary(max_size=3000), st.sampled_from(["a.pdf", "a.csv", "a.docx", "a", "a.eml", "a.txt"]))
def test_sniffing_random_bytes_never_raises_anything_else(content: bytes, name: str) -> None:
    with suppress(Unreadable):
        assert sniff.media_type(content, name, Limits()) in MediaType


@pytest.mark.parametrize(("name", "told"), [
    ("contrato.docx", True), ("tabela.pdf", True), ("leia.me", False), ("nota.txt", False), ("nota", False),
])
def test_plain_text_called_what_is_never_plain_text_is_told(name: str, *, told: bool) -> None:
    found = read("O frete para Itu custa R$ 31,50. A entrega leva três dias úteis.".encode(), name)
    assert (ExtractionWarning.WRONG_EXTENSION in found.warnings) is told
