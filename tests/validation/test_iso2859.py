"""Published plans of the attribute tables, the shape of the whole table, and the switching rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.validation.iso2859 import AQLS, LEVELS, Severity, code_letter, iso2859_sizes, severities

NORMAL, TIGHTENED, REDUCED = Severity.NORMAL, Severity.TIGHTENED, Severity.REDUCED


@pytest.mark.parametrize(
    ("lot", "letter"),
    list(
        zip(
            [8, 9, 15, 16, 25, 26, 50, 51, 90, 91, 150, 280, 281, 500, 1200, 3200, 10_000, 35_000, 150_000, 150_001],
            "ABBCCDDEEFFGHHJKLMNP",
            strict=True,
        )
    ),
)
def test_code_letters_of_level_two(lot, letter):
    assert code_letter(lot=lot, level="II") == letter


@pytest.mark.parametrize(
    ("lot", "level", "aql", "severity", "plan"),
    [
        (5000, "II", "1.5", NORMAL, (200, 7, 8)),
        (100_000, "S-4", "0.65", NORMAL, (80, 1, 2)),
        (100_000, "S-4", "0.40", NORMAL, (125, 1, 2)),
        (100_000, "S-4", "0.25", NORMAL, (50, 0, 1)),
        (100_000, "S-4", "0.15", NORMAL, (80, 0, 1)),
        (100_000, "S-3", "0.65", NORMAL, (20, 0, 1)),
        (100_000, "S-3", "0.4", NORMAL, (32, 0, 1)),
        (50, "II", "6.5", NORMAL, (8, 1, 2)),
        (50, "II", "6.5", TIGHTENED, (13, 1, 2)),
        (50, "II", "6.5", REDUCED, (3, 0, 2)),
        (50, "II", "4.0", NORMAL, (13, 1, 2)),
        (50, "II", "4", TIGHTENED, (20, 1, 2)),
        (50, "II", "4.0", REDUCED, (5, 0, 2)),
        (25, "II", "6.5", NORMAL, (8, 1, 2)),
        (25, "II", "6.5", TIGHTENED, (13, 1, 2)),
        (25, "II", "6.5", REDUCED, (3, 0, 2)),
        (150, "II", "4.0", NORMAL, (20, 2, 3)),
        (150, "II", "4.0", TIGHTENED, (20, 1, 2)),
        (150, "II", "4.0", REDUCED, (8, 1, 3)),
        (280, "II", "2.5", NORMAL, (32, 2, 3)),
        (280, "II", "2.5", TIGHTENED, (32, 1, 2)),
        (280, "II", "2.5", REDUCED, (13, 1, 3)),
        (500, "II", "6.5", NORMAL, (50, 7, 8)),
        (500, "II", "6.5", TIGHTENED, (50, 5, 6)),
        (500, "II", "6.5", REDUCED, (20, 3, 6)),
        (5, "II", "10", NORMAL, (5, 1, 2)),
        (8, "II", "0.65", NORMAL, (8, 0, 1)),
    ],
)
def test_published_plans(lot, level, aql, severity, plan):
    sizes = iso2859_sizes(lot=lot, level=level, aql=aql, severity=severity)
    assert (sizes.n, sizes.accept, sizes.reject_at) == plan


@pytest.mark.parametrize(("level", "aql"), [("IV", "2.5"), ("II", "3"), ("II", "much")])
def test_what_the_tables_do_not_have_is_refused(level, aql):
    with pytest.raises(Invalid):
        iso2859_sizes(lot=100, level=level, aql=aql)


lots, levels, aqls = st.integers(2, 600_000), st.sampled_from(sorted(LEVELS)), st.sampled_from(AQLS)


@given(lots, levels, aqls, st.sampled_from([NORMAL, TIGHTENED, REDUCED]))
def test_every_lot_has_a_plan(lot, level, aql, severity):
    sizes = iso2859_sizes(lot=lot, level=level, aql=aql, severity=severity)
    assert 1 <= sizes.n <= lot
    assert 0 <= sizes.accept < sizes.reject_at


@given(lots, levels, aqls)
def test_tightened_never_accepts_a_larger_share_than_normal(lot, level, aql):
    normal = iso2859_sizes(lot=lot, level=level, aql=aql)
    tightened = iso2859_sizes(lot=lot, level=level, aql=aql, severity=TIGHTENED)
    assert tightened.accept * normal.n <= normal.accept * tightened.n or tightened.n == lot


def short(history, accept=1):
    return "".join(each.value[0] for each in severities(history, accept=accept))


@pytest.mark.parametrize(
    ("history", "course"),
    [
        ("", "n"),
        ("AARAR", "nnnnnt"),
        ("ARAAAAR", "nnnnnnnn"),
        ("RR", "nnt"),
        ("RRAAAAA", "nnttttt" + "n"),
        ("RRAAAARAAAAA", "nnttttttttttn"),
        ("RRRRRRR", "nntttttf"),
        ("A" * 15, "n" * 15 + "r"),
        ("A" * 16 + "R", "n" * 15 + "rr" + "n"),
        ("A" * 14 + "R" + "A", "n" * 17),
    ],
)
def test_switching(history, course):
    assert short(history) == course


def test_a_plan_that_accepts_more_is_reduced_after_ten_lots():
    assert short("A" * 10, accept=2) == "n" * 10 + "r"
