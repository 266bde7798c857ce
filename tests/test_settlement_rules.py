"""Money on its way, without a database: which days a line brings, how settlements stand, the files of our accounts."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats import fund_flow
from services.payments.formats.account_statements import open_account
from services.payments.formats.statements import LineSplitter, StatementLine, StatementReader, StatementUnreadable
from services.payments.rules import settlements as rules
from services.payments.rules.reconciling import BreakKind, LineKind, Result, Totals
from services.payments.rules.settlements import Due, SettlementState

DAY = date(2021, 12, 5)


def due(*remainders: int, references: dict[int, str] | None = None) -> list[Due]:
    """One settlement a day, from 5 December."""
    return [
        Due(n, DAY + timedelta(days=n), remainder, (references or {}).get(n)) for n, remainder in enumerate(remainders)
    ]


@pytest.mark.parametrize(
    ("amount", "remainders", "found"),
    [
        (300, [300], [0]),
        (300, [100, 300], [1]),
        (300, [300, 300], [0]),
        (300, [100, 200], [0, 1]),
        (600, [100, 200, 300], [0, 1, 2]),
        (500, [100, 200, 300], [1, 2]),
        (400, [100, 200, 300], []),  # the first and the third are not in a row
        (250, [300, -50], [0, 1]),  # more went back than came: taken off the next day
        (301, [300], []),
        (300, [], []),
        (11, [1] * 11, []),  # longer than any holiday
    ],
)
def test_a_line_brings_days_in_a_row(amount: int, remainders: list[int], found: list[int]) -> None:
    run = rules.find_run(amount, due(*remainders), DAY + timedelta(days=30))
    assert [one.key for one in run] == found


@given(st.lists(st.integers(-500, 2000).filter(bool), max_size=12), st.integers(1, 9000), st.integers(0, 12))
def test_what_is_found_comes_to_the_amount_and_is_not_of_the_future(
    remainders: list[int], amount: int, until: int
) -> None:
    last = DAY + timedelta(days=until)
    run = rules.find_run(amount, due(*remainders), last)
    assert not run or sum(one.remainder_fen for one in run) == amount
    assert all(one.day <= last for one in run)
    days = [(one.day - DAY).days for one in run]
    assert not days or days == list(range(days[0], days[0] + len(days)))


def test_a_number_is_found_as_a_whole_word_alone() -> None:
    numbered = due(100, 200, references={0: "BK1", 1: "BK12"})
    assert [one.key for one in rules.named("缴款 BK12，代收", numbered)] == [1]
    assert rules.named("缴款BK12", numbered) == []


@pytest.mark.parametrize(
    ("expected", "come", "days", "state"),
    [
        (300, 300, 0, SettlementState.ARRIVED),
        (300, 0, 0, SettlementState.EXPECTED),
        (300, 0, 3, SettlementState.EXPECTED),
        (300, 0, 4, SettlementState.MISSING),
        (300, 200, 3, SettlementState.EXPECTED),
        (300, 200, 4, SettlementState.DIFFERS),
        (300, 400, 4, SettlementState.DIFFERS),
        (300, 300, 40, SettlementState.ARRIVED),
        (0, 0, 9, SettlementState.ARRIVED),
        (-50, 0, 9, SettlementState.EXPECTED),
    ],
)
def test_how_a_settlement_stands(expected: int, come: int, days: int, state: SettlementState) -> None:
    assert rules.state_of(expected, come, DAY, DAY + timedelta(days=days), 3) is state


@pytest.mark.parametrize(
    ("amount", "found", "owed", "window_open", "result"),
    [
        (None, [], [], False, Result.DATA_DIFFERS),
        (300, due(300), due(300), True, Result.MATCHED),
        (300, [], due(310), True, Result.PENDING),
        (300, [], due(310), False, Result.AMOUNT_DIFFERS),
        (300, [], [], True, Result.PENDING),
        (300, [], [], False, Result.OURS_MISSING),
    ],
)
def test_what_a_line_comes_to(
    amount: int | None, found: list[Due], owed: list[Due], window_open: bool, result: Result
) -> None:
    assert rules.judge_line(amount, found, owed, window_open=window_open) is result


def test_every_break_on_the_way_can_be_ignored_and_nothing_is_booked_for_it() -> None:
    for kind in BreakKind:
        for readable in (True, False):
            possible = rules.resolutions_of(kind, readable=readable)
            assert set(possible) >= {"ignore", "wait"}
            assert not set(possible) & {"book", "reverse", "correct"}


# --- files ------------------------------------------------------------------------------------------------------------


def read(
    data: bytes, institution: str = "special", headings: dict[str, str] | None = None
) -> tuple[StatementReader, list[StatementLine]]:
    _, reader = open_account(institution, data, headings or {})
    splitter = LineSplitter()
    lines = [reader.take(line) for line in [*splitter.feed(data), *splitter.end()]]
    return reader, [line for line in lines if line]


FILE = """总笔数,3,净额,250.00
交易时间,流水号,收入(元),支出(元),对方户名,摘要
2021-12-06 09:00:00,B1,300.00,,财付通支付科技有限公司,2021-12-05 结算
2021-12-06 10:00:00,B2,,50.00,国家金库阳城县支库,上缴
2021-12-06 11:00:00,B3,,,王*明,?
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_an_accounts_list_line_by_line_a_bad_one_harms_no_other(encoding: str) -> None:
    reader, lines = read(FILE.encode(encoding))
    assert [(line.kind, line.amount_fen, line.reference) for line in lines] == [
        (LineKind.PAYMENT, 30000, "B1"),
        (LineKind.REFUND, 5000, "B2"),
        (LineKind.PAYMENT, None, None),
    ]
    assert lines[2].faults
    assert reader.told == reader.found == Totals(3, 25000)


def test_a_bank_with_headings_of_its_own() -> None:
    headings = {"收入(元)": "贷方发生额", "支出(元)": "借方发生额", "流水号": "凭证号", "摘要": "用途"}
    text = FILE
    for ours, theirs in headings.items():
        text = text.replace(ours, theirs, 1)
    with pytest.raises(StatementUnreadable, match="表头"):
        read(text.encode())
    _, lines = read(text.encode("gbk"), headings=headings)
    assert [line.amount_fen for line in lines] == [30000, 5000, None]
    assert lines[0].order_no == "2021-12-05 结算"


FLOWS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\r\n"
    "`2021-12-05 10:00:00,`4200001,`F1,`交易,`交易,`收入,`320.00,`320.00,`system,`a,b,`140522A\r\n"
    "`2021-12-05 10:00:00,`4200001,`F2,`扣除交易手续费,`扣除交易手续费,`支出,`1.92,`318.08,`system,`,`140522A\r\n"
    "`2021-12-05 11:00:00,`5030001,`F3,`退款,`退款,`支出,`20.00,`298.08,`system,`,`RF1\r\n"
    "`2021-12-05 23:00:00,`6000001,`F4,`提现,`提现,`支出,`298.08,`0.00,`system,`,`W1\r\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`4.0,`1.0,`320.00,`3.0,`320.00\r\n"
)


def test_the_fund_flow_bill_of_wechat() -> None:
    reader, lines = read(b"\xef\xbb\xbf" + FLOWS.encode(), fund_flow.INSTITUTION)
    assert [(fund_flow.flow_of(line.payer_name or ""), line.amount_fen, line.reference) for line in lines] == [
        (fund_flow.Flow.TRADE, 32000, "4200001"),
        (fund_flow.Flow.FEE, 192, "4200001"),
        (fund_flow.Flow.REFUND, 2000, "RF1"),
        (fund_flow.Flow.WITHDRAWAL, 29808, "6000001"),
    ]
    assert reader.told == reader.found == Totals(4, 32000, 32000)


@given(st.integers(0, len(FLOWS)) | st.integers(len(FLOWS) - 9, len(FLOWS)))
def test_a_fund_flow_bill_cut_anywhere_never_agrees_and_never_crashes(at: int) -> None:
    data = FLOWS[:at].encode()
    try:
        reader, _ = read(data, fund_flow.INSTITUTION)
    except StatementUnreadable:
        return
    assert (reader.told == reader.found) is (at == len(FLOWS))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for institution in ("special", fund_flow.INSTITUTION):
        try:
            read(data, institution)
        except StatementUnreadable:
            continue
