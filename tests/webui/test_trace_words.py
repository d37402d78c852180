"""The steps behind an answer are told in the reader's words, and only what says something."""

import inspect
import re

from appliance.core.i18n import in_locale
from appliance.domains.agents.actions import compose
from webui.studio.words import DETAILS, details_of

SAYS_NOTHING_NEW = {"text", "sure"}


def test_every_detail_that_is_kept_has_a_word_or_is_left_out_on_purpose():
    kept = re.findall(r"[ (](\w+)=", "".join(re.findall(r"trace\.add\(.*?\)\n", inspect.getsource(compose), re.DOTALL)))
    assert set(kept) <= DETAILS.keys() | SAYS_NOTHING_NEW


def test_details_are_said_in_words_and_zeros_are_not():
    with in_locale("pt_BR"):
        detail = {"unanswered": 1, "recent_replies": 0, "sure": False, "floor": 0, "confidence": 0.5, "reason": "price", "sources": [{}]}
        said = details_of(detail)
        assert details_of({"engine": "extractive"}) == [("escrito por", "citação, sem modelo de linguagem")]
    assert said == [("mensagens sem resposta", "1"), ("confiança", "50%"), ("por quê", "assunto de preço"), ("fontes", "1")]
