"""All views of the studio."""

from webui.studio import agents, channels, figures, links, questions, simulator
from webui.studio.pages import pages

__all__ = ["agents", "channels", "figures", "links", "pages", "questions", "simulator"]
