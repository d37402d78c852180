"""Contacts: the list, one person, files in."""

from webui.crm import detail, imports, people
from webui.crm.pages import pages

__all__ = ["detail", "imports", "pages", "people"]
