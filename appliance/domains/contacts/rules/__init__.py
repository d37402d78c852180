"""What is decided about contacts from plain values alone."""
