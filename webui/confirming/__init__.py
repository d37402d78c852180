"""The page behind the link by which somebody confirms that a yes was theirs."""
