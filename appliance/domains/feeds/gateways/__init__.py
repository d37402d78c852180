"""Addresses of other programs."""
