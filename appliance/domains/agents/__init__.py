"""Agents: who answers for us, by which rules, and why each answer was what it was."""
