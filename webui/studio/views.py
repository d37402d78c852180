"""All views of the studio."""

from webui.studio import agents, channels, simulator
from webui.studio.pages import pages

__all__ = ["agents", "channels", "pages", "simulator"]
