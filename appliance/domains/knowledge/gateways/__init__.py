"""The outside world of knowledge: files as people make them."""
