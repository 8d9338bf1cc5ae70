"""Chains of cause: a message or signal leads to a command, what that command sends leads to further ones, and nobody wants that for ever.

Each input that a message or signal led to says how long its chain is (`chain`); what a person, an operator or the clock does begins a new one.
A chain that branches grows faster, so that a limit on its length also bounds how many commands there are in all its branches.
"""

from __future__ import annotations

BRANCHING = 80
"""A command that sends twice as much, or a signal that reaches twice as many, makes the chain so much longer: at a limit of 1,000 there are some 4,000 branches."""


def after(chain: int, branches: int) -> int:
    """The length for each of `branches` that follow (at least 1). The first command of a chain may send whatever it wants."""
    return 1 if chain == 0 else chain + 1 + _split(branches)


def reaching(chain: int, receivers: int) -> int:
    """The length for each receiver of a signal. What the first command of a chain sends reaches everybody who waits for it."""
    return chain if chain <= 1 else chain + _split(receivers)


def _split(branches: int) -> int:
    return BRANCHING * (branches - 1).bit_length() if branches > 1 else 0
