"""Owns what a company has written down: its documents, their versions and chunks, how they are found, and answers cited from them."""
