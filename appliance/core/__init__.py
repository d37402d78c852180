"""Mechanism without business: the database and its tenants, the spine, the web edge, keys, files, the way out."""
