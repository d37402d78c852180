"""What lies outside the process: files that only a child of ours may open."""
