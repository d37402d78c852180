"""What keeps the company and the box in order: people, background work, health."""

from webui.admin import backups, brand, company, health, hours, jobs, keys, members
from webui.admin.pages import pages

__all__ = ["backups", "brand", "company", "health", "hours", "jobs", "keys", "members", "pages"]
