"""What happens over linked numbers, kept for who listens; and told, with nothing open while the program is called."""

from datetime import timedelta

from appliance.core import deliveries
from appliance.core.errors import NotFound, Unavailable
from appliance.core.i18n import lazy_gettext as _
from appliance.core.jobs import Step
from appliance.core.outbox import MAX_ATTEMPTS
from appliance.core.uow import UnitOfWork
from appliance.domains.channels import queries as channels
from appliance.domains.channels.events import DELETED, EDITED, ChannelChanged, LinkChanged, LinkedMessageMoved
from appliance.domains.channels.types import LinkState
from appliance.domains.feeds import actions, queries
from appliance.domains.feeds.errors import ListenerGone
from appliance.domains.feeds.events import FeedItemKept
from appliance.domains.feeds.types import What

FILE_WAIT = timedelta(seconds=2)
FILE_TRIES = 5  # after which the message goes without its file


def keep_link(uow: UnitOfWork, event: LinkChanged) -> None:
    if event.state:
        actions.keep_connection(uow, event.channel_id, LinkState(event.state))


def keep_message(uow: UnitOfWork, event: LinkedMessageMoved) -> None:
    what = What.REVISED if event.status in (EDITED, DELETED) else What.REPORTED if event.status else What.SAID
    actions.keep(
        uow, event.channel_id, what, conversation_id=event.conversation_id, message_id=event.message_id, status=event.status
    )  # fmt: skip


def forget_deleted(uow: UnitOfWork, event: ChannelChanged) -> None:
    """Nobody listens to a channel that is gone, or is no linked number any more."""
    try:
        channels.get_link(uow, event.channel_id)
    except NotFound:
        actions.drop_feed(uow, event.channel_id)


def tell_program(step: Step, event: FeedItemKept) -> None:
    """One chat's happenings in order. What cannot be told after the last try is left out and said so, and the next goes on."""
    with step.read() as uow:
        due = queries.find_due(uow, event.item_id)
        tries = deliveries.get_delivery(uow, step.delivery_id).attempts
    if due is None:
        return
    if due.waits_for_file and tries <= FILE_TRIES:
        raise Unavailable(_("The file of this message has not come yet."), retry_after=FILE_WAIT.total_seconds())
    try:
        actions.tell(step.box, step.tenant_id, due)
    except ListenerGone as err:
        with step.finish() as uow:
            actions.switch_off(uow, event.channel_id, err)
    except Unavailable as err:
        _put_off(step, event, err, is_last=tries >= MAX_ATTEMPTS)
    else:
        with step.finish() as uow:
            actions.note_told(uow, event.channel_id)


def _put_off(step: Step, event: FeedItemKept, err: Unavailable, *, is_last: bool) -> None:
    """Raises `err`, which brings it back later."""
    if not is_last:
        with step.progress() as uow:
            actions.note_trouble(uow, event.channel_id, err)
        raise err
    with step.finish() as uow:
        actions.note_trouble(uow, event.channel_id, _("Given up after %(tries)d tries: %(said)s", tries=MAX_ATTEMPTS, said=err))
