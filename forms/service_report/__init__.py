"""Forms of the service-report pack (F04 to F10); files only."""
