"""Time zones to choose from: Brazil's first, by the names Brazilians give them."""

from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import available_timezones

from appliance.core.i18n import lazy_gettext as _

BRAZIL = (
    ("America/Sao_Paulo", "Brasília, São Paulo, Rio, Sul"),
    ("America/Bahia", "Bahia"),
    ("America/Fortaleza", "Fortaleza, Nordeste"),
    ("America/Recife", "Recife"),
    ("America/Maceio", "Maceió"),
    ("America/Belem", "Belém"),
    ("America/Araguaina", "Araguaína, Tocantins"),
    ("America/Manaus", "Manaus, Amazonas"),
    ("America/Cuiaba", "Cuiabá, Mato Grosso"),
    ("America/Campo_Grande", "Campo Grande"),
    ("America/Porto_Velho", "Porto Velho"),
    ("America/Boa_Vista", "Boa Vista"),
    ("America/Santarem", "Santarém"),
    ("America/Rio_Branco", "Rio Branco, Acre"),
    ("America/Eirunepe", "Eirunepé"),
    ("America/Noronha", "Fernando de Noronha"),
)
REGIONS = (
    ("America/", _("Americas")),
    ("Europe/", _("Europe")),
    ("Africa/", _("Africa")),
    ("Asia/", _("Asia")),
    ("Australia/", _("Australia")),
    ("Atlantic/", _("Atlantic")),
    ("Indian/", _("Indian Ocean")),
    ("Pacific/", _("Pacific")),
)
Group = tuple[str, Sequence[tuple[str, str]]]


def timezone_groups() -> list[Group]:
    """Groups of (zone, name) for a list of choices."""
    return [(str(label), choices) for label, choices in _groups()]


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[object, Sequence[tuple[str, str]]], ...]:
    ours = {zone for zone, _name in BRAZIL}
    zones = sorted(available_timezones() - ours)
    others = ((label, tuple((zone, _city(zone)) for zone in zones if zone.startswith(prefix))) for prefix, label in REGIONS)
    return ((_("Brazil"), BRAZIL), *others, (_("Others"), (("UTC", "UTC"),)))


def _city(zone: str) -> str:
    """America/Argentina/Buenos_Aires → Buenos Aires, Argentina."""
    return ", ".join(reversed(zone.replace("_", " ").split("/")[1:]))
