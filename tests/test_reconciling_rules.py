"""What a statement's line comes to, what may be done about a break, when a file is whole: tables, no database."""

import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.rules import reconciling as rules
from services.payments.rules.reconciling import (
    BreakKind,
    BreakState,
    LineKind,
    LineStatus,
    Ours,
    Resolution,
    Result,
    Siblings,
    Totals,
)
from shared.codes import Channel

PAY, REV, REF = LineKind.PAYMENT, LineKind.REVERSAL, LineKind.REFUND
OK, FAILED, OPEN, UNKNOWN = LineStatus.SUCCESS, LineStatus.FAILED, LineStatus.OPEN, LineStatus.UNKNOWN
LIVE, GONE = Ours(32000, True), Ours(32000, False)
ALONE, UNDONE = Siblings(1, 1, 0), Siblings(1, 1, 1)
SECOND, SECOND_AFTER_REVERSAL = Siblings(2, 2, 0), Siblings(2, 2, 1)
REVERSAL_ALONE, SECOND_REVERSAL = Siblings(1, 0, 1), Siblings(2, 1, 2)

JUDGED: list[tuple[LineKind, LineStatus, int | None, Siblings, Ours | None, Result, Result, str]] = [
    (PAY, OK, 32000, ALONE, LIVE, Result.MATCHED, Result.MATCHED, "both have it"),
    (PAY, OK, 31999, ALONE, LIVE, Result.AMOUNT_DIFFERS, Result.AMOUNT_DIFFERS, "the tolerance is 0 fen"),
    (PAY, OK, 32000, ALONE, None, Result.PENDING, Result.OURS_MISSING, "ours may still come"),
    (PAY, OK, 32000, ALONE, GONE, Result.PENDING, Result.OURS_MISSING, "ours was reversed, theirs not yet"),
    (PAY, OK, 32000, UNDONE, LIVE, Result.CHANNEL_FAILED, Result.CHANNEL_FAILED, "they took it back, we did not"),
    (PAY, OK, 32000, UNDONE, GONE, Result.BOTH_FAILED, Result.BOTH_FAILED, "both took it back"),
    (PAY, OK, 32000, UNDONE, None, Result.BOTH_FAILED, Result.BOTH_FAILED, "taken back before it reached us"),
    (PAY, OK, 32000, SECOND, LIVE, Result.DUPLICATE, Result.DUPLICATE, "the line stands twice"),
    (PAY, OK, 32000, SECOND, None, Result.DUPLICATE, Result.DUPLICATE, "twice, and unknown to us"),
    (PAY, OK, 32000, SECOND_AFTER_REVERSAL, LIVE, Result.MATCHED, Result.MATCHED, "reversed, then paid again"),
    (PAY, OK, 32000, ALONE, Ours(32000, True, elsewhere=True), Result.DUPLICATE, Result.DUPLICATE, "of another day"),
    (PAY, OK, 32000, ALONE, Ours(32000, True, same_bill=False), Result.DATA_DIFFERS, Result.DATA_DIFFERS, "bill"),
    (PAY, OK, 32000, ALONE, Ours(32000, True, days_apart=1), Result.LATE, Result.LATE, "near midnight"),
    (PAY, OK, 32000, ALONE, Ours(32000, True, days_apart=3), Result.LATE, Result.LATE, "at the window's end"),
    (PAY, OK, 32000, ALONE, Ours(32000, True, days_apart=4), Result.DATA_DIFFERS, Result.DATA_DIFFERS, "beyond it"),
    (PAY, OK, None, ALONE, None, Result.DATA_DIFFERS, Result.DATA_DIFFERS, "cannot be read"),
    (PAY, OK, None, ALONE, LIVE, Result.DATA_DIFFERS, Result.DATA_DIFFERS, "cannot be read, though ours is there"),
    (PAY, OK, 0, ALONE, None, Result.BOTH_FAILED, Result.BOTH_FAILED, "a shift without cash"),
    (PAY, UNKNOWN, 32000, ALONE, LIVE, Result.UNKNOWN, Result.UNKNOWN, "a word that nobody knows"),
    (PAY, FAILED, 32000, ALONE, LIVE, Result.CHANNEL_FAILED, Result.CHANNEL_FAILED, "failed there, booked here"),
    (PAY, FAILED, 32000, ALONE, None, Result.BOTH_FAILED, Result.BOTH_FAILED, "failed there, never here"),
    (REV, OK, 32000, UNDONE, GONE, Result.BOTH_FAILED, Result.BOTH_FAILED, "its reversal, ours reversed"),
    (REV, OK, 32000, UNDONE, LIVE, Result.CHANNEL_FAILED, Result.CHANNEL_FAILED, "its reversal, ours stands"),
    (REV, OK, 32000, REVERSAL_ALONE, LIVE, Result.CHANNEL_FAILED, Result.CHANNEL_FAILED, "payment of another day"),
    (REV, OK, 32000, REVERSAL_ALONE, None, Result.UNKNOWN, Result.UNKNOWN, "a reversal of nothing"),
    (REV, OK, 32000, SECOND_REVERSAL, GONE, Result.DUPLICATE, Result.DUPLICATE, "reversed twice"),
    (REF, OK, 32000, ALONE, LIVE, Result.MATCHED, Result.MATCHED, "refunded"),
    (REF, OK, 32000, ALONE, None, Result.PENDING, Result.OURS_MISSING, "a refund that we do not know"),
    (REF, OK, 32000, ALONE, GONE, Result.PENDING, Result.OURS_MISSING, "refunded after we gave it up"),
    (REF, OPEN, 32000, ALONE, GONE, Result.BOTH_FAILED, Result.BOTH_FAILED, "given up while it was on its way"),
    (REF, FAILED, 32000, ALONE, GONE, Result.BOTH_FAILED, Result.BOTH_FAILED, "not refunded"),
    (REF, FAILED, 32000, ALONE, LIVE, Result.CHANNEL_FAILED, Result.CHANNEL_FAILED, "not refunded, we think it is"),
]


@pytest.mark.parametrize(
    ("kind", "status", "amount_fen", "siblings", "ours", "in_window", "after", "why"),
    JUDGED,
    ids=[row[-1] for row in JUDGED],
)
def test_what_a_line_comes_to(
    kind: LineKind,
    status: LineStatus,
    amount_fen: int | None,
    siblings: Siblings,
    ours: Ours | None,
    in_window: Result,
    after: Result,
    why: str,
) -> None:
    line = rules.Line(kind, status, amount_fen)
    assert rules.judge(line, siblings, ours, window_open=True, window_days=3) is in_window, why
    assert rules.judge(line, siblings, ours, window_open=False, window_days=3) is after, why


def test_every_code_of_the_table_can_come_about() -> None:
    judged = {result for row in JUDGED for result in row[5:7]}
    assert judged | {rules.missing_result(channel) for channel in Channel} == set(Result)
    assert [result.value for result in rules.RESULTS] == list(range(12))


@given(
    st.sampled_from(LineKind),
    st.sampled_from(LineStatus),
    st.one_of(st.none(), st.integers(0, 2), st.just(32000)),
    st.builds(Siblings, st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)),
    st.one_of(
        st.none(),
        st.builds(Ours, st.just(32000), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 5)),
    ),
)
def test_after_its_window_no_line_is_pending_and_before_it_only_those_without_counterpart(
    kind: LineKind, status: LineStatus, amount_fen: int | None, siblings: Siblings, ours: Ours | None
) -> None:
    line = rules.Line(kind, status, amount_fen)
    now = rules.judge(line, siblings, ours, window_open=True, window_days=3)
    later = rules.judge(line, siblings, ours, window_open=False, window_days=3)
    assert later is not Result.PENDING
    assert later is (Result.OURS_MISSING if now is Result.PENDING else now)
    if later in (Result.MATCHED, Result.LATE):
        assert ours is not None
        assert ours.amount_fen == amount_fen
        assert not ours.elsewhere


@pytest.mark.parametrize(
    ("line", "siblings", "result", "opens"),
    [
        (rules.Line(PAY, OK, 32000), UNDONE, Result.CHANNEL_FAILED, True),
        (rules.Line(REV, OK, 32000), UNDONE, Result.CHANNEL_FAILED, False),
        (rules.Line(REV, OK, 32000), REVERSAL_ALONE, Result.CHANNEL_FAILED, True),
        (rules.Line(PAY, OK, 32000), ALONE, Result.MATCHED, False),
        (rules.Line(PAY, OK, 32000), ALONE, Result.PENDING, False),
        (rules.Line(PAY, OK, 32000), UNDONE, Result.BOTH_FAILED, False),
    ],
)
def test_a_payment_and_its_reversal_are_one_break(
    line: rules.Line, siblings: Siblings, result: Result, opens: bool
) -> None:
    assert rules.opens_break(line, siblings, result) is opens


BOOK, REVERSE, CORRECT = Resolution.BOOK, Resolution.REVERSE, Resolution.CORRECT
CONFIRM, IGNORE, WAIT = Resolution.CONFIRM, Resolution.IGNORE, Resolution.WAIT


@pytest.mark.parametrize(
    ("kind", "channel", "line", "known", "possible"),
    [
        (BreakKind.OURS_MISSING, Channel.WECHAT, PAY, {}, [BOOK, IGNORE, WAIT]),
        (BreakKind.OURS_MISSING, Channel.WECHAT, REF, {}, [IGNORE, WAIT]),
        (BreakKind.OURS_MISSING, Channel.AGENT, PAY, {}, [IGNORE, WAIT]),
        (BreakKind.OURS_MISSING, Channel.BANK, None, {"single": True}, [BOOK, IGNORE, WAIT]),
        (BreakKind.AMOUNT_DIFFERS, Channel.BANK, PAY, {"ours": True, "single": True}, [CORRECT, CONFIRM, IGNORE, WAIT]),
        (BreakKind.AMOUNT_DIFFERS, Channel.COUNTER, PAY, {"ours": True}, [CONFIRM, IGNORE, WAIT]),
        (BreakKind.AMOUNT_DIFFERS, Channel.AGENT, PAY, {"ours": True, "single": True}, [CONFIRM, IGNORE, WAIT]),
        (BreakKind.CHANNEL_FAILED, Channel.BANK, PAY, {"ours": True, "single": True}, [REVERSE, IGNORE, WAIT]),
        (BreakKind.CHANNEL_MISSING, Channel.ETAX, None, {"ours": True, "single": True}, [REVERSE, IGNORE, WAIT]),
        (BreakKind.HOST_MISSING, Channel.AGENT, None, {"ours": True, "single": True}, [IGNORE, WAIT]),
        (BreakKind.DUPLICATE, Channel.WECHAT, PAY, {"ours": True, "single": True}, [BOOK, IGNORE, WAIT]),
        (BreakKind.DATA_DIFFERS, Channel.WECHAT, PAY, {"ours": True, "single": True}, [CONFIRM, IGNORE, WAIT]),
        (BreakKind.DATA_DIFFERS, Channel.WECHAT, PAY, {"readable": False}, [IGNORE, WAIT]),
        (BreakKind.UNKNOWN, Channel.BANK, REV, {}, [IGNORE, WAIT]),
        (BreakKind.UNKNOWN, Channel.BANK, PAY, {}, [BOOK, IGNORE, WAIT]),
        (BreakKind.UNKNOWN, Channel.BANK, PAY, {"ours": True, "single": True}, [IGNORE, WAIT]),
        (BreakKind.TOTALS_DIFFER, Channel.BANK, None, {}, [IGNORE, WAIT]),
        (BreakKind.STATEMENT_MISSING, Channel.BANK, None, {"ours": True}, [IGNORE, WAIT]),
    ],
)
def test_what_may_be_done_about_a_break(
    kind: BreakKind, channel: Channel, line: LineKind | None, known: dict[str, Any], possible: list[Resolution]
) -> None:
    facts = {"readable": line is not None, "ours": False, "single": False} | known
    assert list(rules.resolutions_of(kind, channel, line, **facts)) == possible


@pytest.mark.parametrize("kind", BreakKind)
def test_every_break_can_be_ignored_for_a_reason_or_left_for_later_and_has_words(kind: BreakKind) -> None:
    for channel in Channel:
        possible = rules.resolutions_of(kind, channel, PAY, readable=True, ours=True, single=True)
        assert {IGNORE, WAIT} <= set(possible)
    assert re.search(r"[一-鿿]", rules.words_of(kind))


@pytest.mark.parametrize(
    ("named", "ours", "same"),
    [
        ("王小明", "王小明", True),
        ("王 小明", "王小明", True),
        ("王*明", "王小明", True),
        ("*小明", "王小明", True),
        ("王**", "王小明", True),
        ("王*", "王小明", True),
        ("李*明", "王小明", False),
        ("王*", "王", False),
        ("*", "王小明", True),
        ("王.明", "王小明", False),
        ("王小", "王小明", False),
    ],
)
def test_a_masked_payer_is_ours_where_the_rest_fits(named: str, ours: str, same: bool) -> None:
    assert rules.same_payer(named, ours) is same


@pytest.mark.parametrize(
    ("today", "open_"),
    [(date(2021, 12, 6), True), (date(2021, 12, 8), True), (date(2021, 12, 9), False), (date(2021, 12, 5), True)],
)
def test_the_window_closes_with_the_end_of_the_third_day_after(today: date, open_: bool) -> None:
    assert rules.waits(date(2021, 12, 5), today, 3) is open_


@pytest.mark.parametrize(
    ("told", "found", "whole"),
    [
        (Totals(2, 64000), Totals(2, 64000), True),
        (Totals(3, 64000), Totals(2, 64000), False),
        (Totals(2, 96000), Totals(2, 64000), False),
        (Totals(2, 64000, 0), Totals(2, 64000, 0), True),
        (Totals(2, 64000, 100), Totals(2, 64000, 0), False),
        (None, Totals(0, 0), False),
    ],
)
def test_a_file_is_whole_where_it_tells_what_is_in_it(told: Totals | None, found: Totals, whole: bool) -> None:
    assert rules.totals_agree(told, found) is whole


# --- states -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", Resolution)
def test_every_resolution_ends_a_break_or_leaves_it_open_for_later(resolution: Resolution) -> None:
    after = rules.BREAK_TRANSITIONS[BreakState.PROPOSED, rules.act_of(resolution)]
    assert after is (BreakState.OPEN if resolution is WAIT else BreakState.RESOLVED)
    assert set(rules.UNSETTLED) == {BreakState.OPEN, BreakState.PROPOSED}
