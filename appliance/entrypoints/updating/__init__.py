"""Updates: a new release beside the present one, tried on a copy, put in its place, kept if it is well and undone if not."""
