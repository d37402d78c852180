"""What the company knows: its documents, how far each is, and what its customers asked in vain."""
