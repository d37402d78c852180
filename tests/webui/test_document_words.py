"""The list of documents names a state in a few words; why a file could not be read stands in its panel."""

from types import SimpleNamespace

from appliance.core.i18n import in_locale
from appliance.domains.knowledge.types import DocumentStatus
from webui.knowledge.presenting import notices_of, state_of


def test_a_failed_document_has_a_short_state_however_long_its_reason():
    failed = SimpleNamespace(status=DocumentStatus.FAILED, processing_error="The file is damaged. " * 10)
    with in_locale("pt_BR"):
        assert state_of(failed) == ("Não pôde ser lido.", "bad")


def test_a_file_that_is_not_what_its_name_says_is_told_in_the_list_and_in_the_panel():
    named = SimpleNamespace(
        status=DocumentStatus.PROCESSED, version=1, warnings=["wrong_extension"], filename="precos.xlsx", file_type="text/plain"
    )
    with in_locale("pt_BR"):
        assert state_of(named) == ("No ar, com uma observação", "warn")
        [said] = notices_of(named)
    assert "chama-se .xlsx, mas contém texto puro" in said
