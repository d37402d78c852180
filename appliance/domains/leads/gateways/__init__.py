"""Where leads are fetched from."""
