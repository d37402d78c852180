"""Who may do what: tenants, people, roles, sign-in, keys, and the record of what was done."""
