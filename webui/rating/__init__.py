"""Customers say how it was, by a link they were sent."""
