"""The list of documents names a state in a few words; why a file could not be read stands in its panel."""

from types import SimpleNamespace

from appliance.core.i18n import in_locale
from appliance.domains.knowledge.types import DocumentStatus
from webui.knowledge.presenting import state_of


def test_a_failed_document_has_a_short_state_however_long_its_reason():
    failed = SimpleNamespace(status=DocumentStatus.FAILED, processing_error="The file is damaged. " * 10)
    with in_locale("pt_BR"):
        assert state_of(failed) == ("Não pôde ser lido.", "bad")
