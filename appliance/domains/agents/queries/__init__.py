"""Reads of agents, their versions and their runs."""

from appliance.domains.agents.queries.agents import (
    agent_exists,
    find_agent_by_model,
    find_published_policy,
    find_version,
    get_agent,
    get_policy,
    get_settings,
    get_version,
    list_agents,
    list_page,
    list_versions,
    lock_agent,
    policy_of,
)
from appliance.domains.agents.queries.drafts import list_changes, list_differences, list_templates
from appliance.domains.agents.queries.runs import count_hand_offs, find_run, list_runs, list_steps, read_situation

__all__ = [
    "agent_exists",
    "count_hand_offs",
    "find_agent_by_model",
    "find_published_policy",
    "find_run",
    "find_version",
    "get_agent",
    "get_policy",
    "get_settings",
    "get_version",
    "list_agents",
    "list_changes",
    "list_differences",
    "list_page",
    "list_runs",
    "list_steps",
    "list_templates",
    "list_versions",
    "lock_agent",
    "policy_of",
    "read_situation",
]
