"""What the machine is, which models suit it, how they get here, and what the network mode lets out: one picture for wizard and menu."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from appliance.core.box import Box
from appliance.core.config import NetworkMode
from appliance.core.errors import DomainError
from appliance.core.hardware import Hardware, read_hardware
from appliance.core.i18n import lazy_gettext as _
from appliance.core.outbound import Outbound
from appliance.inference.catalog import Models, Offer
from appliance.inference.download import Fetcher

TASKS = {
    "chat": _("Writes answers"), "embedding": _("Finds passages"), "transcription": _("Writes down speech"),
    "rerank": _("Sorts passages again"),
}  # fmt: skip
MODES = {
    NetworkMode.SEALED: (_("Sealed"), _("Nothing leaves this box. Messages by WhatsApp or e-mail need another mode; models come by file.")),
    NetworkMode.ALLOW_LISTED: (_("Allow-listed"), _("Only the hosts named in the configuration can be reached.")),
    NetworkMode.CONNECTED: (_("Connected"), _("Public addresses can be reached; private ones only where they are vouched for.")),
}


@dataclass(frozen=True)
class Choice:
    """`command`: what gets it here; from a folder or file where its source cannot be reached."""

    offer: Offer
    can_pull: bool

    @property
    def command(self) -> str:
        return f"salesedge models pull {self.offer.model.name}" if self.can_pull else "salesedge models import PATH"


@dataclass(frozen=True)
class Picture:
    hardware: Hardware
    choices: list[Choice]
    mode: NetworkMode
    has_backups: bool

    @property
    def can_pull_any(self) -> bool:
        return any(choice.can_pull for choice in self.choices)


def picture_of(box: Box) -> Picture:
    folder = box.settings.home / "models"
    hardware = read_hardware(folder, box.settings.models.gguf_engine)
    outbound = Outbound(box.settings.network)
    models = Models(folder, Fetcher(partial(outbound.client, "models")))
    offers = models.offers(hardware.ram_mb, hardware.vram_mb, cores=hardware.cores)
    choices = [Choice(offer, _reachable(outbound, offer)) for offer in offers]
    return Picture(hardware, choices, box.settings.network.mode, bool(box.settings.backup.targets))


def _reachable(outbound: Outbound, offer: Offer) -> bool:
    """By the rule that a download itself is held to."""
    hosts = {urlsplit(file.source).hostname for file in offer.model.files if file.source}
    try:
        for host in hosts:
            outbound.check_allowed(host or "")
    except DomainError:
        return False
    return bool(hosts)
