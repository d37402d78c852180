"""Pure decisions about channels: signatures, pacing, when to stop trying."""
