"""The API, to be read: drawn from the OpenAPI document by the box itself, so it works without a network."""
