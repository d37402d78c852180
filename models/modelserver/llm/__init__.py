"""Chat models in GGUF files: one port, two engines, and answers held to a JSON schema."""
