"""Time zones to choose from: Brazil's first, by the names Brazilians give them."""

from functools import lru_cache
from zoneinfo import available_timezones

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
REGIONS = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")


@lru_cache(maxsize=1)
def timezone_options() -> list[tuple[str, str]]:
    ours = {zone for zone, _name in BRAZIL}
    others = sorted(zone for zone in available_timezones() if zone.startswith(REGIONS) and zone not in ours)
    return [*BRAZIL, ("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in others)]
