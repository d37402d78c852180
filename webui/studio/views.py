"""All views of the studio."""

from webui.studio import agents, channels, questions, simulator
from webui.studio.pages import pages

__all__ = ["agents", "channels", "pages", "questions", "simulator"]
