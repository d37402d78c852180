"""In and out of the box, and one's own page."""

from webui.signin import entering, joining, profile
from webui.signin.pages import pages

__all__ = ["entering", "joining", "pages", "profile"]
