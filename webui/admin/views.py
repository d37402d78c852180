"""What keeps the company and the box in order: people, background work, health."""

from webui.admin import health, jobs, members
from webui.admin.pages import pages

__all__ = ["health", "jobs", "members", "pages"]
