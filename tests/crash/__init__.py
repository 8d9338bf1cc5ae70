"""What survives: servers that are killed at random moments and at named points, databases that stop at once, nodes that race.

`python -m tests.crash --help` and `python -m tests.crash.race --help`; docs/durability.md says what is checked and holds the figures of a run.
"""
