"""SQLAlchemy adapters of the persistence ports, for SQLite and PostgreSQL."""
