"""The first page, and what the palette finds."""

from webui.home import dashboard, figures, search
from webui.home.pages import pages

__all__ = ["dashboard", "figures", "pages", "search"]
