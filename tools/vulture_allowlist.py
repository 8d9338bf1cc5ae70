"""Names that are used from outside Python code (templates, entry points, protocols); vulture reads this file."""
