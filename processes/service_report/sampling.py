"""Drawing reports for callbacks: commit and reveal, hash rank, strata, quotas. Pure; anybody can repeat a draw from its published inputs.

Source: domain decisions, "Sampling for callbacks"; clause 7.2.6. No random numbers: an id's rank is SHA-256(seed | id).
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Candidate:
    """One archived report of the population.

    `mandatory` is the reason why it is always taken (major_event, complaint, dissatisfied), "" for none. `resting`: its contact was
    called within the last three months, so the next rank is taken instead.
    """

    report_no: str
    stratum: str
    mandatory: str = ""
    resting: bool = False


@dataclass(frozen=True, slots=True)
class Draw:
    """`chosen` and `skipped` in order of rank; `quotas` by stratum; `ranked` is every candidate with its rank, for replacements."""

    seed: str
    quotas: Mapping[str, int]
    chosen: tuple[Candidate, ...]
    skipped: tuple[Candidate, ...]
    ranked: tuple[tuple[str, Candidate], ...]


def digest(text: str) -> str:
    """SHA-256 of the UTF-8 text, lower-case hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def population_digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """H: the SHA-256 of the population, sorted by report number, as JSON with sorted keys and no blanks."""
    ordered = sorted(rows, key=lambda row: str(row["report_no"]))
    return digest(json.dumps(ordered, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def seed_of(population_sha256: str, nonce: str, period: str) -> str:
    """SHA-256(H | nonce | period), the parts joined by a vertical bar."""
    return digest(f"{population_sha256}|{nonce}|{period}")


def rank(seed: str, report_no: str) -> str:
    """SHA-256(seed | id): the lowest are drawn."""
    return digest(f"{seed}|{report_no}")


def quotas(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """Largest remainder by size of the strata, at least one for each that is not empty, never more than a stratum holds.

    The sum is `total`, raised to the number of strata where it is lower and cut to the population where it is higher.
    """
    strata = sorted(name for name, size in sizes.items() if size)
    population = sum(sizes[name] for name in strata)
    total = min(max(total, len(strata)), population)
    if not strata:
        return {}
    exact = {name: total * sizes[name] / population for name in strata}
    out = {name: min(max(1, int(exact[name])), sizes[name]) for name in strata}
    by_remainder = sorted(strata, key=lambda name: (-(exact[name] - int(exact[name])), name))
    while sum(out.values()) < total:
        for name in by_remainder:
            if sum(out.values()) < total and out[name] < sizes[name]:
                out[name] += 1
    while sum(out.values()) > total:  # the minimum of one made it too many: take from where the quota exceeds its share most
        name = max((n for n in strata if out[n] > 1), key=lambda n: (out[n] - exact[n], n))
        out[name] -= 1
    return out


def draw(candidates: Sequence[Candidate], seed: str, size: int) -> Draw:
    """The draw: mandatory reports first, then the lowest ranks of each stratum up to its quota; resting contacts are skipped, logged.

    Mandatory reports count towards their stratum's quota. Raises ValueError when a report number occurs twice.
    """
    if len({c.report_no for c in candidates}) != len(candidates):
        raise ValueError("a report number occurs twice in the population")
    ranked = tuple(_ranked(candidates, seed))
    sizes: dict[str, int] = defaultdict(int)
    for each in candidates:
        sizes[each.stratum] += 1
    wanted = quotas(sizes, size)
    taken: dict[str, int] = defaultdict(int)
    chosen = [c for _, c in ranked if c.mandatory]
    skipped: list[Candidate] = []
    for each in chosen:
        taken[each.stratum] += 1
    for _, each in ranked:
        if each.mandatory or taken[each.stratum] >= wanted[each.stratum]:
            continue
        if each.resting:
            skipped.append(each)
            continue
        taken[each.stratum] += 1
        chosen.append(each)
    order = {c.report_no: i for i, (_, c) in enumerate(ranked)}
    chosen.sort(key=lambda c: order[c.report_no])
    return Draw(seed, wanted, tuple(chosen), tuple(skipped), ranked)


def _ranked(candidates: Sequence[Candidate], seed: str) -> list[tuple[str, Candidate]]:
    return sorted(((rank(seed, c.report_no), c) for c in candidates), key=lambda pair: (pair[0], pair[1].report_no))


def replacement(ranked: Sequence[tuple[str, Candidate]], stratum: str, used: Iterable[str]) -> Candidate | None:
    """The next rank of the same stratum that was neither used nor rests; None when there is none. Never a free choice."""
    gone = set(used)
    for _, each in ranked:
        if each.stratum == stratum and each.report_no not in gone and not each.resting:
            return each
    return None
