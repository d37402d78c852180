"""The only client of models: the model server's embeddings and indexes, and whichever engine writes answers."""
