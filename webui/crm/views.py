"""Contacts and leads: the lists, one of each, files in, where leads come from."""

from webui.crm import detail, forms, imports, leads, people, segments, sources
from webui.crm.pages import pages

__all__ = ["detail", "forms", "imports", "leads", "pages", "people", "segments", "sources"]
