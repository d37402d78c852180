"""Routes of the agents: their own, and the OpenAI-compatible ones."""

from appliance.domains.agents.api.agents import ASK, READ, WRITE, api
from appliance.domains.agents.api.openai import openai

__all__ = ["ASK", "READ", "WRITE", "api", "openai"]
