"""Time zones to choose from, by their cities: one's own country first, Brazil's by the names Brazilians give them."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from appliance.core import clock
from appliance.core.folding import fold
from appliance.core.i18n import current_locale
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
HOME = "America/Sao_Paulo"
Choice = tuple[str, str, str]  # the zone, its city, and the names it has elsewhere
Group = tuple[str, Sequence[Choice]]


def timezone_groups(chosen: str = "") -> list[Group]:
    """For a list of choices: first those of the country of `chosen`, which is among them by whatever name it goes."""
    known = get_global("zone_aliases").get(chosen, chosen)
    country = _countries().get(known) or _countries()[HOME]
    groups = _groups(current_locale(), country)
    if known == chosen and any(chosen == zone for _label, choices in groups for zone, _name, _also in choices):
        return list(groups)
    named = [(label, [(chosen if zone == known else zone, name, also) for zone, name, also in choices]) for label, choices in groups]
    if chosen and not any(chosen == zone for _label, choices in named for zone, _name, _also in choices):
        label, others = named[-1]
        named[-1] = (label, [*others, (chosen, chosen, "")])
    return [(label, tuple(choices)) for label, choices in named]


def timezone_name(zone: str) -> str:
    """As the list of choices calls it."""
    return next((name for _label, choices in timezone_groups(zone) for one, name, _also in choices if one == zone), zone)


@lru_cache(maxsize=1)
def _countries() -> Mapping[str, str]:
    """By the zones that one can live in."""
    prefixes = tuple(prefix for prefix, _label in REGIONS)
    zones = get_global("zone_territories").items()
    return {zone: country for zone, country in zones if zone.startswith(prefixes) and zone in clock.timezones()}


@lru_cache(maxsize=16)
def _groups(locale: str, country: str) -> tuple[Group, ...]:
    spoken = Locale.parse(locale)
    own = BRAZIL if country == "BR" else _sorted((zone, _city(spoken, zone)) for zone, of in _countries().items() if of == country)
    abroad = {zone: of for zone, of in _countries().items() if of != country}
    regions = [
        (str(label), _sorted((zone, _place(spoken, zone, of)) for zone, of in abroad.items() if zone.startswith(prefix)))
        for prefix, label in REGIONS
    ]
    groups = [(spoken.territories[country], own), *regions, (str(_("Others")), [("UTC", "UTC")])]
    return tuple((label, tuple((zone, name, _also(zone)) for zone, name in choices)) for label, choices in groups if choices)


def _sorted(choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(choices, key=lambda choice: fold(choice[1]))


def _place(spoken: Locale, zone: str, country: str) -> str:
    """`Lisboa, Portugal`; of a country that is one city, its name alone."""
    city, of = _city(spoken, zone), spoken.territories[country]
    return city if city == of else f"{city}, {of}"


def _city(spoken: Locale, zone: str) -> str:
    """As people who speak so call it (CLDR)."""
    return str(spoken.time_zones.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " "))


@lru_cache(maxsize=1)
def _others() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for other, zone in get_global("zone_aliases").items():
        found.setdefault(zone, []).append(other)
    return found


def _also(zone: str) -> str:
    """What else browsers call it."""
    return " ".join(sorted(_others().get(zone, ())))
