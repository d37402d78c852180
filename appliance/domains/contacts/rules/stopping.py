"""Who asks to be written to no more, by one of the words or in a sentence of their own."""

import re
from collections.abc import Iterable

from appliance.core.folding import fold
from appliance.domains.contacts.rules import consents
from appliance.domains.contacts.types import Stop

LONGEST_WORD, LONGEST_SENTENCE = 60, 400  # characters of a message that is looked at for a word, for a sentence
BESIDE = 4  # words that may stand beside the sentence and still ask for nothing else
_PUNCTUATION = re.compile(r"[^\w\s]|_")
_SENT = r"(mensag\w+|msgs?|promoc\w+|propaganda\w*|ofertas?|anuncios?|spam|publicidade|divulgac\w+|novidades|(e ?)?mails?|zap\w*|whats\w*|coisas?|isso|nada)"
_STOP_SENTENCES = {
    "pt": re.compile(
        rf"\b(par[ae]m?|deix[ae]m?) de (ficar )?(me )?(mand\w+|envi\w+)( mais)?( (ess[ae]s?|est[ae]s?|tant[ao]s?|suas?))? ?({_SENT}\b|$)"
        rf"|\bnao (quero|desejo|gostaria de|autorizo) (mais )?(receber|que (me )?(mand\w+|envi\w+))( mais)?( (ess[ae]s?|est[ae]s?|suas?|nenhum\w*))? ?({_SENT}\b|$)"
        rf"|\bnao (me )?(mand|envi)(a|e|am|em) mais ?((ess[ae]s?|est[ae]s?|suas?|nenhum\w*) )?({_SENT}\b|$)"
        r"|\b(tir|remov|exclu|retir)\w+ (o )?(me|eu|meu (numero|contato|nome|e ?mail)) (d[aeo]s?|dess[ae]s?|dest[ae]s?|de (qualquer|toda|todas( as)?|suas?)) (\w+ )?listas?\b"
        r"|\bme (tir|remov|exclu|retir)\w+ (d[aeo]s?|dess[ae]s?|dest[ae]s?|de (qualquer|toda|todas( as)?|suas?)) (\w+ )?(listas?|mailing|transmissao)\b"
    ),
    "en": re.compile(
        r"\bstop (texting|messaging|e ?mailing|contacting|spamming)\b"
        r"|\bstop sending( me)?( (these|those|your|any|all|so many))? ?((messages?|texts?|e ?mails?|offers?|promotions?|ads|stuff|spam|this|that)\b|$)"
        r"|\b(do not|don ?t) (ever )?(text|message|e ?mail|contact)( me)?\b.{0,15}\b(again|any ?more)\b"
        r"|\b(take|remove|get) me (off|from) .{0,20}\blists?\b|\bno more (messages|texts|e ?mails|offers|promotions|ads)\b"
        r"|\bi (do not|don ?t|no longer) want (to (get|receive)|your|any more) .{0,20}\b(messages|texts|e ?mails|offers|promotions|ads|newsletters?)\b"
    ),
}


def find_stop(text: str, extra_words: Iterable[str] = ()) -> Stop | None:
    """Somebody asks to be written to no more, by one of the words or in words of their own."""
    asks_too = "?" in text
    if len(text) <= LONGEST_WORD and not asks_too:
        known = next((language for language in _STOP_SENTENCES if consents.is_opt_out(text, language, extra_words)), None)
        if known is not None:
            return Stop(known, is_all=True)
    said = " ".join(_PUNCTUATION.sub(" ", fold(text)).split())
    for language, asked in _STOP_SENTENCES.items() if len(text) <= LONGEST_SENTENCE else ():
        if (found := asked.search(said)) is not None:
            left = said[: found.start()] + said[found.end() :]
            return Stop(language, is_all=not asks_too and len(left.split()) <= BESIDE)
    return None
