"""The domains of this box, in the order they were built. Nothing is discovered: what is not here does not run."""

from appliance.core import files, housekeeping, resealing
from appliance.core.manifest import Manifest
from appliance.domains.agents.manifest import MANIFEST as AGENTS
from appliance.domains.branding.manifest import MANIFEST as BRANDING
from appliance.domains.channels.manifest import MANIFEST as CHANNELS
from appliance.domains.contacts.manifest import MANIFEST as CONTACTS
from appliance.domains.conversations.manifest import MANIFEST as CONVERSATIONS
from appliance.domains.feeds.manifest import MANIFEST as FEEDS
from appliance.domains.identity.manifest import MANIFEST as IDENTITY
from appliance.domains.knowledge.manifest import MANIFEST as KNOWLEDGE
from appliance.domains.leads.manifest import MANIFEST as LEADS
from appliance.domains.ops.manifest import MANIFEST as OPS

MANIFESTS: tuple[Manifest, ...] = (
    housekeeping.MANIFEST, files.MANIFEST, resealing.MANIFEST,
    IDENTITY, BRANDING, CONTACTS, LEADS, KNOWLEDGE, CONVERSATIONS, CHANNELS, FEEDS, AGENTS, OPS,
)  # fmt: skip
