"""Chat on the company's own pages. There is no outside: what is sent lies ready for the visitor's page, which says when it has it."""
