"""What a process tells about itself while it runs: logs, figures, traces. Nothing of a form, no variable, no secret is ever in any of them.

Everything is measured around commands, jobs and requests, never inside the interpreter: what is executed does not know that it is watched.
"""
