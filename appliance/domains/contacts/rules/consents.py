"""The one gate before anything is sent, and the words that close it."""

import re
from collections.abc import Iterable
from datetime import date

from appliance.core.folding import fold
from appliance.core.i18n import lazy_gettext as _
from appliance.domains.contacts.errors import ConsentRefused
from appliance.domains.contacts.types import ConsentMode, Objection, Purpose

ADULT_AGE = 18
WITHDRAWN_BY_LEAVING = (Purpose.SERVICE, Purpose.MARKETING)  # who ends our mail is still answered
WITHDRAWN_BY_STOP = (Purpose.REPLY, *WITHDRAWN_BY_LEAVING)  # who asks for silence is answered once they write again

_SENTENCES = {
    Objection.OPTED_OUT: _("This person asked not to receive these messages on this channel."),
    Objection.SILENCED: _("This person asked not to be written to any more on this channel. You can answer as soon as they write again."),
    Objection.NEVER_OPTED_IN: _("This person has not agreed to receive marketing on this channel."),
    Objection.UNCONFIRMED: _("This person has not confirmed by e-mail yet that the yes in a form was theirs."),
    Objection.MINOR: _("This person is a minor: no marketing consent can be taken."),
}
STOP_WORDS = {
    "pt": (
        "sair", "parar", "pare", "cancelar", "cancelar inscricao", "descadastrar", "remover", "me remova", "me tira da lista",
        "me tire da lista", "nao receber", "nao receber mais", "nao mais receber", "nao me mande mais mensagens",
    ),
    "en": ("stop", "stop all", "unsubscribe", "unsubscribe me", "cancel", "end", "quit", "opt out", "remove me"),
}
_EVERYWHERE = ("stop", "unsubscribe", "sair", "parar")
_POLITE = re.compile(r"\b(por favor|pfv?|please|quero|eu|obrigad[oa]|thanks?|thank you)\b")
_PUNCTUATION = re.compile(r"[^\w\s]|_")


def objection(
    purpose: Purpose, latest: ConsentMode | None, *, born_on: date | None, today: date, is_awaited: bool = False
) -> Objection | None:
    """What stands against sending for `purpose`; `latest` is the person's last word on that channel and purpose.

    `is_awaited`: a yes is waiting to be confirmed. It counts for nothing, but says why nothing may be sent.
    """
    if latest is ConsentMode.OPT_OUT:
        return Objection.SILENCED if purpose is Purpose.REPLY else Objection.OPTED_OUT
    if purpose is not Purpose.MARKETING:
        return None
    if is_minor(born_on, today):
        return Objection.MINOR
    if latest is not None:
        return None
    return Objection.UNCONFIRMED if is_awaited else Objection.NEVER_OPTED_IN


def check_may_send(
    purpose: Purpose, latest: ConsentMode | None, *, born_on: date | None, today: date, is_awaited: bool = False
) -> None:
    """Raises ConsentRefused."""
    if against := objection(purpose, latest, born_on=born_on, today=today, is_awaited=is_awaited):
        raise ConsentRefused(against, _SENTENCES[against])


def check_may_consent(purpose: Purpose, born_on: date | None, today: date) -> None:
    """Raises ConsentRefused."""
    # LGPD art. 14: a guardian consents for a child, so we take no marketing consent.
    if purpose is Purpose.MARKETING and is_minor(born_on, today):
        raise ConsentRefused(Objection.MINOR, _SENTENCES[Objection.MINOR])


def is_minor(born_on: date | None, today: date) -> bool:
    return born_on is not None and _age(born_on, today) < ADULT_AGE


def _age(born_on: date, today: date) -> int:
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def is_opt_out(text: str, language: str, extra_words: Iterable[str] = ()) -> bool:
    """True when the whole message asks to stop. "cancelar meu pedido" does not: it is about an order."""
    said = _bare(text)
    wanted = (*_EVERYWHERE, *STOP_WORDS.get(language[:2].lower(), ()), *map(_bare, extra_words))
    return said != "" and said in wanted


def _bare(text: str) -> str:
    return " ".join(_POLITE.sub(" ", _PUNCTUATION.sub(" ", fold(text))).split())
