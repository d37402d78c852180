from datetime import timedelta

from appliance.core.manifest import Cron, Gauge, Manifest, Subscription
from appliance.domains.contacts.events import ContactsMerged, MergeUndone
from appliance.domains.conversations import actions, events, jobs, queries, subscribers
from appliance.domains.conversations.api import MANAGE, READ, WRITE, api, asking, attachments, inbox, promised, saved_views, team_work

_ALL = ("owner", "admin", "manager", "rep", "agent", "read_only")
_LIVE = (
    events.ConversationOpened,
    events.ConversationChanged,
    events.ConversationWoken,
    events.SurveyAnswered,
    events.LabelsChanged,
    events.SavedViewsChanged,
    events.NoticeMade,
    events.NoticesDropped,
    events.PersonHere,
    events.ContactWriting,
    events.HandoffRequested,
    events.HandoffOverdue,
    events.MessageReceived,
    events.MessageQueued,
    events.MessageStatusChanged,
    events.MessageFailed,
    events.MessageMediaStored,
    events.MessageReacted,
    events.MessageRevised,
    events.MessageTranscribed,
    events.InternalNoteAdded,
    events.ConversationSummarised,
)

MANIFEST = Manifest(
    "conversations",
    apis=(api, attachments, inbox, team_work, promised, asking, saved_views),
    subscriptions=(
        Subscription(events.MessageReceived, subscribers.record_message, queue="fast"),
        Subscription(events.HandoffRequested, subscribers.deal_handed_off),
        Subscription(events.HandoffRequested, subscribers.tell_expected, delay=timedelta(seconds=30)),
        Subscription(events.HandoffOverdue, subscribers.deal_overdue),
        Subscription(events.ConversationResolved, subscribers.ask_satisfaction, delay=timedelta(minutes=1)),
        Subscription(events.SilenceAsked, subscribers.keep_silence),
        Subscription(events.WordsWanted, subscribers.write_down, queue="speech", mode="staged"),
        Subscription(events.WordsOverdue, subscribers.give_up_words),
        Subscription(ContactsMerged, subscribers.move_conversations),
        Subscription(MergeUndone, subscribers.move_conversations_back),
    ),
    cron=(
        Cron("remind_of_waiting", jobs.remind_of_waiting, every=timedelta(minutes=1)),
        Cron("tell_of_deadlines", jobs.tell_of_deadlines, every=timedelta(minutes=1)),
        Cron("wake_snoozed", jobs.wake_snoozed, every=timedelta(minutes=1)),
        Cron("settle_stuck", jobs.settle_stuck, every=timedelta(minutes=5)),
        Cron("forget_old_notices", jobs.forget_old_notices, every=timedelta(days=1)),
    ),
    permissions={READ: _ALL, WRITE: _ALL[:-1], MANAGE: _ALL[:3]},
    live=dict.fromkeys(_LIVE, READ),
    metrics=(Gauge("conversations_active", "Conversations not yet resolved, by who has the word.", ("holder",), queries.count_holders),),
    exporters=(queries.export_contact,),
    erasers=(actions.erase_contact,),
    clock_put_back=(actions.heed_put_back,),
    resuming=(actions.go_on_listening,),
)
