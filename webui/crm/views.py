"""Contacts and leads: the lists, one of each, files in, where leads come from."""

from webui.crm import detail, duplicates, forms, imports, leads, lists, people, preferences, segments, sources
from webui.crm.pages import pages

__all__ = ["detail", "duplicates", "forms", "imports", "leads", "lists", "pages", "people", "preferences", "segments", "sources"]
