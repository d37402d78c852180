"""Conversations: what was said with whom, who speaks for us now, and how far each message got."""
