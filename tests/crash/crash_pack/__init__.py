"""A process pack for the crash harness."""
