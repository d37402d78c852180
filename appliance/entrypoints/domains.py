"""The domains of this box, in the order they were built. Nothing is discovered: what is not here does not run."""

from appliance.core import files, housekeeping
from appliance.core.manifest import Manifest
from appliance.domains.agents.manifest import MANIFEST as AGENTS
from appliance.domains.channels.manifest import MANIFEST as CHANNELS
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.conversations.manifest import MANIFEST as CONVERSATIONS
from appliance.domains.feeds.manifest import MANIFEST as FEEDS
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from appliance.domains.knowledge.manifest import MANIFEST as KNOWLEDGE
from appliance.domains.leads.manifest import MANIFEST as LEADS

MANIFESTS: tuple[Manifest, ...] = (
    housekeeping.MANIFEST, files.MANIFEST, IDENTITY, CONTACTS, LEADS, KNOWLEDGE, CONVERSATIONS, CHANNELS, FEEDS, AGENTS,
)  # fmt: skip
