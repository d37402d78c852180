"""The business: one package per domain, all of the same anatomy (docs/new-domain.md)."""
