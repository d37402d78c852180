"""Where agents are shaped and tried, and channels are connected."""
