"""The reader's language, without the country."""

import pytest

from appliance.core.errors import Later, Refused, Unavailable
from appliance.core.i18n import current_language, in_locale, pack, told, unpack
from appliance.core.i18n import lazy_gettext as _


@pytest.mark.parametrize(("locale", "language"), [("pt-BR", "pt"), ("pt_PT", "pt"), ("en-US", "en"), ("de", "pt")])
def test_a_language_has_no_country(locale, language):
    with in_locale(locale):
        assert current_language() == language


WAITS = Unavailable(_("The channel waits before it sends again."))
BLOCKED = Refused(_("WhatsApp refused the message: %(said)s", said="100 % blocked"))
PORTUGUESE = "O canal espera um pouco antes de enviar de novo."


def read_in(locale, kept):
    with in_locale(locale):
        return unpack(kept)


def test_a_kept_failure_is_told_in_the_language_of_each_reader():
    kept = pack(told(Later(WAITS, retry_after=1)))
    assert read_in("pt_BR", kept) == PORTUGUESE
    assert read_in("en", kept) == "The channel waits before it sends again."


def test_an_error_within_a_sentence_is_told_in_the_same_language_and_what_a_provider_said_stays():
    kept = pack(told(_("Given up after %(tries)d tries: %(said)s", tries=3, said=BLOCKED)))
    assert read_in("pt_BR", kept) == "Desistimos depois de 3 tentativas: O WhatsApp recusou a mensagem: 100 % blocked"
    assert read_in("en", kept) == "Given up after 3 tries: WhatsApp refused the message: 100 % blocked"


def test_what_was_read_can_be_kept_again_and_still_speaks_both():
    assert read_in("pt_BR", pack(told(read_in("en", pack(told(WAITS)))))) == PORTUGUESE


@pytest.mark.parametrize("plain", ["", "Saiu do ar", '["The channel waits before it sends again.", {}]', "100 %(x)s"])
def test_a_plain_sentence_of_a_provider_or_of_an_older_row_is_shown_as_it_is(plain):
    assert unpack(pack(told(plain))) == unpack(plain) == plain


def test_nobody_outside_passes_words_off_as_a_sentence_of_ours():
    forged = pack(told(WAITS))
    assert unpack(pack(forged)) == forged[1:]
