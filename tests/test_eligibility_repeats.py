"""What tells a repeated row of a list answers as a dict would, whatever the keys and however many."""

import sys

from hypothesis import example, given
from hypothesis import strategies as st

from services.eligibility.rules.repeats import FirstRows

KEYS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3) | st.integers(0, 5).map(lambda n: n * 4096)
"""As `hash` gives them, some of them with one place."""


@given(st.lists(KEYS, max_size=60), st.sampled_from([0, 5, 5000]))
@example([0, -1, 1024, 2048, 0], 0)
def test_it_answers_as_a_dict(keys: list[int], expected: int) -> None:
    known, model = FirstRows(expected), dict[int, int]()
    for row_no, key in enumerate(keys, start=1):
        assert known.find(key) == model.get(key)
        if key not in model:
            known.add(key, row_no)
            model[key] = row_no
    assert [known.find(key) for key in keys] == [model[key] for key in keys]


def test_more_come_than_were_expected() -> None:
    known, keys = FirstRows(10), [hash(("key", n)) for n in range(5000)]
    for row_no, key in enumerate(keys, start=1):
        assert known.find(key) is None
        known.add(key, row_no)
    assert [known.find(key) for key in keys] == list(range(1, 5001))


def test_a_million_rows_take_no_more_than_some_thirty_megabytes() -> None:
    known = FirstRows(1_000_000)
    assert sum(sys.getsizeof(part) for part in vars(known).values()) < 30 * 2**20
