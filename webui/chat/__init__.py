"""The chat on the company's own pages: the script they carry, the page it opens, its colour."""
