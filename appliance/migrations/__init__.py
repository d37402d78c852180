"""The history of the tables, inside the wheel. Forward only: expand, migrate, contract."""
