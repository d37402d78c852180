"""The model server: one process that loads each model once and keeps the vector indexes. Knows nothing of the appliance."""
