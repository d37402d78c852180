"""How each kind of channel is connected in the browser. A new kind is a module beside these and its name in KINDS."""

from webui.studio.kinds.cloud import CLOUD
from webui.studio.kinds.email import EMAIL_PAGE
from webui.studio.kinds.page import ChannelForm, KindPage
from webui.studio.kinds.qr import QR
from webui.studio.kinds.webchat import WEBCHAT_PAGE

KINDS: dict[str, KindPage] = {page.name: page for page in (CLOUD, QR, EMAIL_PAGE, WEBCHAT_PAGE)}  # in the order in which they are offered


def page_of(kind: str) -> KindPage:
    """A kind that is not connected here (the simulator) has a name and an agent."""
    return KINDS.get(kind) or KindPage(kind, form=ChannelForm)
