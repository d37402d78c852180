"""Vector indexes: one per namespace, in memory for search, in an encrypted snapshot and journal for restarts."""
