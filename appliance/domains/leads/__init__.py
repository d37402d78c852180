"""Who asked us something before talking to us: where leads come from, what each brought, what became of it."""
