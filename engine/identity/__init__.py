"""Who may do what: actors and the one policy."""
