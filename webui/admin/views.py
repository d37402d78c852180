"""What keeps the company and the box in order: people, background work, health."""

from webui.admin import company, health, hours, jobs, members
from webui.admin.pages import pages

__all__ = ["company", "health", "hours", "jobs", "members", "pages"]
