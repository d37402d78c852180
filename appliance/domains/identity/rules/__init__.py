"""Decisions about people and access, as plain functions."""
