"""All views of the studio."""

from webui.studio import agents, channels, figures, questions, simulator
from webui.studio.pages import pages

__all__ = ["agents", "channels", "figures", "pages", "questions", "simulator"]
