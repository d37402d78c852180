"""The page behind the link that ends mail."""
