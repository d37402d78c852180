"""Channels: the ways in and out. A transport only translates; consent, rate, window and retries live above it."""
