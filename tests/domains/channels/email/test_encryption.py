"""Nothing is said in the clear, and nothing to a server that cannot prove who it is."""

import pytest

from appliance.core.config import NetworkMode, NetworkSettings
from appliance.core.errors import Refused, Unavailable
from appliance.core.outbound import Outbound
from appliance.domains.channels import actions
from appliance.domains.channels.gateways.email import imap as imap_side
from appliance.domains.channels.gateways.email import smtp as smtp_side
from appliance.domains.channels.schemas import ChannelPatch
from tests.domains.channels.email.conftest import OURS
from tests.peers.smtp import SmtpPeer

pytestmark = pytest.mark.only_database("sqlite")


@pytest.fixture(params=["tls", "starttls"])
def encrypted(request, imap, box, tenant_id, channel_id):
    """The channel at two servers that speak TLS, from the beginning or from STARTTLS on."""
    context, whole = imap.certificate.for_server(), request.param == "tls"
    peer = SmtpPeer(tls=context) if whole else SmtpPeer(starttls=context)
    peer.start()
    config = {
        "imap_port": imap.tls_port if whole else imap.port, "imap_security": request.param,
        "smtp_port": peer.port, "smtp_security": request.param,
    }  # fmt: skip
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config=config))
    yield
    peer.stop()


@pytest.mark.usefixtures("encrypted")
def test_both_servers_are_spoken_to_encrypted(box, account, imap, monkeypatch):
    for side in (imap_side, smtp_side):
        monkeypatch.setattr(side, "certificates", imap.certificate.trusted)
    assert actions.check_connection(box, account()).name == OURS


@pytest.mark.usefixtures("encrypted")
def test_a_certificate_nobody_signed_ends_it_with_a_sentence(box, account):
    with pytest.raises(Unavailable, match="certificate"):
        actions.check_connection(box, account())


def test_a_password_in_the_clear_only_inside(box, account):
    box.outbound = Outbound(NetworkSettings(mode=NetworkMode.CONNECTED))
    with pytest.raises(Refused, match="unencrypted"):
        actions.check_connection(box, account())


def test_a_sealed_box_says_which_setting(box, tenant_id, channel_id, account):
    with box.unit(tenant_id) as uow:
        actions.change_channel(uow, channel_id, ChannelPatch(config={"imap_security": "tls", "smtp_security": "tls"}))
    box.outbound = Outbound(NetworkSettings())
    with pytest.raises(Refused, match=r"network\.mode"):
        actions.check_connection(box, account())
