"""How an order changes, when it is over, which number it has: tables of cases, and the state graph. No database."""

import re
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.invariants.orders import ORDER_LIMITS
from services.payments.rules import Window
from services.payments.rules import orders as rules
from services.payments.rules.orders import OrderAct, OrderStatus, Word
from services.payments.schemas.orders import ORDER_STATES, Order
from shared.clock import SHANGHAI
from tests.payments_town import POOL

ENDS = {OrderStatus.PAID, OrderStatus.CLOSED, OrderStatus.EXPIRED, OrderStatus.FAILED}
WINDOW = Window(date(2021, 9, 1), date(2021, 12, 25), 1, 25, ("S004-06",), ("S004-07",))


def test_only_late_money_leads_out_of_an_end() -> None:
    left = {before for before, act in rules.ORDER_TRANSITIONS if before and act is not OrderAct.PAY}
    assert left == set(OrderStatus) - ENDS


@pytest.mark.lesson("late success")
def test_money_can_come_in_every_state_but_once() -> None:
    paying = {before for before, act in rules.ORDER_TRANSITIONS if act is OrderAct.PAY}
    assert paying == set(OrderStatus) - {OrderStatus.PAID}


def test_every_state_that_is_no_end_has_its_age_limit_and_its_alarm() -> None:
    assert set(rules.AGE_LIMITS) == set(OrderStatus) - ENDS
    for status, limit in rules.AGE_LIMITS.items():
        assert f"when '{status}' then interval '{limit.total_seconds():.0f} seconds'" in ORDER_LIMITS
    # An order may be open as long as it can be paid, and then until it was asked about.
    assert (
        rules.AGE_LIMITS[OrderStatus.OPEN].total_seconds()
        > max(rules.MOST_MINUTES.values()) * 60 + rules.LONGEST_PAUSE_SECONDS
    )


def test_the_api_knows_the_same_states() -> None:
    assert set(ORDER_STATES) == set(OrderStatus)
    assert set(Order.model_fields["status"].annotation.__args__) == set(OrderStatus)  # type: ignore[union-attr]


LIVE = (OrderStatus.CREATED, OrderStatus.OPEN, OrderStatus.CLOSING)


@pytest.mark.parametrize(
    ("status", "word", "in_time", "over"),
    [
        *((status, Word.PAID, OrderAct.PAY, OrderAct.PAY) for status in OrderStatus if status is not OrderStatus.PAID),
        (OrderStatus.PAID, Word.PAID, None, None),
        *((status, word, None, None) for status in sorted(ENDS) for word in Word if word is not Word.PAID),
        *((status, Word.PAYING, None, None) for status in sorted(LIVE)),
        (OrderStatus.CREATED, Word.UNPAID, None, OrderAct.CLOSE),
        (OrderStatus.OPEN, Word.UNPAID, None, OrderAct.CLOSE),
        (OrderStatus.CLOSING, Word.UNPAID, OrderAct.CLOSE, OrderAct.CLOSE),
        (OrderStatus.CREATED, Word.ENDED, OrderAct.END, OrderAct.EXPIRE),
        (OrderStatus.OPEN, Word.ENDED, OrderAct.END, OrderAct.EXPIRE),
        (OrderStatus.CLOSING, Word.ENDED, OrderAct.END, OrderAct.END),
        (OrderStatus.CREATED, Word.ABSENT, OrderAct.REFUSE, OrderAct.REFUSE),
        (OrderStatus.OPEN, Word.ABSENT, None, OrderAct.EXPIRE),
        (OrderStatus.CLOSING, Word.ABSENT, OrderAct.END, OrderAct.END),
    ],
)
def test_what_the_channels_word_means(
    status: OrderStatus, word: Word, in_time: OrderAct | None, over: OrderAct | None
) -> None:
    assert rules.order_step(status, word, over=False) == in_time
    assert rules.order_step(status, word, over=True) == over
    for act in (in_time, over):
        if act and (status, act) != (OrderStatus.CLOSING, OrderAct.CLOSE):  # closing it once more changes nothing
            assert (status, act) in rules.ORDER_TRANSITIONS


def test_every_verdict_keeps_or_changes_something() -> None:
    assert set(rules.Verdict) > rules.ONLY_KEPT


@given(st.integers(min_value=0, max_value=2**128 - 1), st.integers(min_value=0, max_value=2**128 - 1))
def test_order_numbers_begin_with_the_pool_fit_the_channel_and_are_told_apart(one: int, two: int) -> None:
    number = rules.order_number(POOL, one)
    assert re.fullmatch(r"140522[0-9A-Z]{26}", number)
    assert (number == rules.order_number(POOL, two)) == (one == two)
    assert (number < rules.order_number(POOL, two)) == (one < two)  # as identifiers in time, so their numbers


@pytest.mark.parametrize(
    ("now", "minutes", "expires"),
    [
        ("2021-12-05 10:00:00", 30, "2021-12-05 10:30:00"),
        ("2021-12-24 23:50:00", 30, "2021-12-25 00:20:00"),
        ("2021-12-25 23:50:00", 30, "2021-12-25 23:59:59"),
        ("2021-12-25 23:58:59", 30, "2021-12-25 23:59:59"),
        ("2021-12-25 23:59:00", 30, "2021-12-26 00:00:00"),
        ("2021-09-30 23:59:00", 30, "2021-10-01 00:29:00"),
    ],
)
def test_an_order_does_not_reach_into_a_day_on_which_nothing_is_taken(now: str, minutes: int, expires: str) -> None:
    began = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    assert rules.order_expiry(began, minutes, WINDOW) == datetime.fromisoformat(expires).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("place", "region", "fits"),
    [
        ("140522", "140522108200", True),
        ("140522108", "140522108200", True),
        ("140522108200", "140522108200", True),
        ("140500", "140522108200", True),  # a city takes in its counties
        ("140521", "140522108200", False),
        ("140522109", "140522108200", False),
        ("140522108201", "140522108200", False),
        ("140522108200", "140522108", False),
    ],
)
def test_the_chosen_place_of_insurance_takes_in_the_bills_region(place: str, region: str, fits: bool) -> None:
    assert rules.place_fits(place, region) == fits
