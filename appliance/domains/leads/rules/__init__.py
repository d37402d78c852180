"""Pure decisions about leads."""
