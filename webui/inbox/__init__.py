"""Where attendants work: the list, one thread, and who is on the other end."""
