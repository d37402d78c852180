"""Pure decisions about conversations: who speaks, how far a message got, what may still be said."""
