"""The draw: repeatable by hand, fair to strata, never a free choice."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processes.service_report.sampling import Candidate, draw, population_digest, quotas, rank, replacement, seed_of

SEED = seed_of("ab" * 32, "a nonce", "2026-Q3")


def _population(**sizes: int) -> list[Candidate]:
    return [Candidate(f"SMS-SR-2026-{s}{i:03d}", s) for s, n in sizes.items() for i in range(n)]


def test_the_seed_and_the_ranks_are_plain_sha256() -> None:
    assert hashlib.sha256(("ab" * 32 + "|a nonce|2026-Q3").encode()).hexdigest() == SEED
    assert rank(SEED, "SMS-SR-2026-0001") == hashlib.sha256(f"{SEED}|SMS-SR-2026-0001".encode()).hexdigest()


def test_the_lowest_ranks_are_drawn_whatever_the_order_of_the_population() -> None:
    people = _population(gov=20)
    result = draw(people, SEED, 5)
    by_hand = sorted((c.report_no for c in people), key=lambda no: hashlib.sha256(f"{SEED}|{no}".encode()).hexdigest())[:5]
    assert [c.report_no for c in result.chosen] == by_hand
    assert draw(list(reversed(people)), SEED, 5) == result


def test_quotas_by_largest_remainder() -> None:
    assert quotas({"gov": 50, "edu": 30, "med": 20}, 8) == {"gov": 4, "edu": 2, "med": 2}
    assert quotas({"gov": 97, "edu": 2, "med": 1}, 3) == {"gov": 1, "edu": 1, "med": 1}
    assert quotas({"gov": 2, "edu": 0}, 8) == {"gov": 2}
    assert quotas({}, 3) == {}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 40)), st.integers(0, 80))
def test_quotas_sum_up_and_leave_no_stratum_out(sizes: dict[str, int], total: int) -> None:
    result = quotas(sizes, total)
    filled = [name for name, size in sizes.items() if size]
    assert sum(result.values()) == min(max(total, len(filled)), sum(sizes.values()))
    assert all(1 <= result[name] <= sizes[name] for name in filled)


def test_mandatory_reports_are_always_taken_and_count() -> None:
    people = [*_population(gov=10), Candidate("SMS-SR-2026-9999", "gov", "complaint")]
    result = draw(people, SEED, 3)
    assert "SMS-SR-2026-9999" in {c.report_no for c in result.chosen}
    assert len(result.chosen) == 3


def test_a_resting_contact_gives_way_to_the_next_rank_and_is_logged() -> None:
    people = _population(gov=6)
    first = draw(people, SEED, 1).chosen[0]
    resting = [Candidate(c.report_no, c.stratum, resting=c == first) for c in people]
    result = draw(resting, SEED, 1)
    assert result.chosen[0].report_no == draw(people, SEED, 2).chosen[1].report_no
    assert [c.report_no for c in result.skipped] == [first.report_no]


def test_a_replacement_is_the_next_rank_of_the_same_stratum() -> None:
    people = _population(gov=4, edu=4)
    result = draw(people, SEED, 4)
    used = {c.report_no for c in result.chosen}
    gov = [c for _, c in result.ranked if c.stratum == "gov"]
    assert replacement(result.ranked, "gov", used) == next(c for c in gov if c.report_no not in used)
    assert replacement(result.ranked, "gov", {c.report_no for c in people}) is None


def test_the_population_digest_ignores_order_and_sees_changes() -> None:
    rows = [{"report_no": "b", "stratum": "gov"}, {"report_no": "a", "stratum": "教育"}]
    assert population_digest(rows) == population_digest(rows[::-1])
    assert population_digest(rows) != population_digest(rows[:1])


def test_a_number_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        draw([Candidate("a", "x"), Candidate("a", "y")], SEED, 1)
