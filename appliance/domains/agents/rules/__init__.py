"""Pure decisions of an agent: what was meant, whose turn it is, what may be said, when a person is needed."""
