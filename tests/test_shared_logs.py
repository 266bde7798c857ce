"""Log lines: JSON, with the request they belong to, and never with an identity number, wherever it stood."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import structlog

from shared import logs
from shared.identity import NumberFault, ResidentNumber, read_resident_number
from shared.tokens import TOKEN_INVALID
from tests.test_shared_pure import TODAY, with_check_digit

NUMBER = "11010519491231002X"
OTHER = with_check_digit("14052220000229123")

Lines = Callable[[], list[dict[str, Any]]]


@dataclass
class Row:
    name: str
    number: str


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logging as a service configures it; all that was logged so far, after a look that no number stands in it."""
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    levels = {name: logging.getLogger(name).level for name in ("", "httpx", "httpcore", "uvicorn.access")}
    stdout = io.StringIO()
    with redirect_stdout(stdout):
        logs.configure("payments")
    logs.begin_request("")

    def read() -> list[dict[str, Any]]:
        out = stdout.getvalue()
        for number in (NUMBER, OTHER):
            assert number not in out
            assert number[4:16] not in out
        return [json.loads(line) for line in out.splitlines()]

    yield read
    root.handlers[:] = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def test_a_line_is_json_and_says_who_when_and_for_which_request(lines: Lines) -> None:
    logs.begin_request("request-1")
    structlog.get_logger().info("bill_paid", bill_no="B1", amount_fen=32000, ok=True, share=0.5, note=None)
    logging.getLogger("somebody").warning("disk %s is %d %% full", "a", 90)
    ours, theirs = lines()
    assert (ours["event"], ours["bill_no"], ours["amount_fen"], ours["ok"], ours["share"], ours["note"]) == (
        "bill_paid", "B1", 32000, True, 0.5, None,
    )  # fmt: skip
    assert theirs["event"] == "disk a is 90 % full"
    for line, level in ((ours, "info"), (theirs, "warning")):
        assert (line["service"], line["request_id"], line["level"]) == ("payments", "request-1", level)
        assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("6299990123456780034", "629999*********0034"),
        ("卡6299990123456780034，", "卡629999*********0034，"),
        ("accNo=4111111111111111&x", "accNo=411111******1111&x"),
        ("4111 1111 1111 1111", "4111 1*********1111"),
        ("6299-9901-2345-6780-034", "6299-9*************-034"),
        ("６２９９９９０１２３４５６７８００３４", "６２９９９９*********００３４"),
        ("6299990123456780035", "6299990123456780035"),  # another check digit
        ("2021120510000010", "2021120510000010"),  # a year, and a check digit that is right
        ("0000000000000", "0000000000000"),
        ("62999901234567800340000", "62999901234567800340000"),  # a longer number
    ],
)
def test_a_card_number_is_masked_wherever_it_stands(lines: Lines, text: str, masked: str) -> None:
    structlog.get_logger().info("said", text=text, inner=[{"text": f"a {text} b"}])
    logging.getLogger("somebody").warning("got %s", text)
    ours, theirs = lines()
    assert (ours["text"], ours["inner"], theirs["event"]) == (masked, [{"text": f"a {masked} b"}], f"got {masked}")


def test_the_line_of_a_request_is_like_every_other(lines: Lines) -> None:
    logs.begin_request(f"order {NUMBER}")
    said = {"method": "GET", "route": "/v1/bills", "status": 200, "ms": 1.5, "client_id": f"shop {OTHER}"}
    structlog.get_logger().info("request", **said)
    logs.write_request("GET", "/v1/bills", 200, 1.5, f"shop {OTHER}")
    theirs, ours = lines()
    assert datetime.fromisoformat(theirs.pop("timestamp")) <= datetime.fromisoformat(ours["timestamp"])
    assert ours.pop("timestamp").endswith("Z")
    assert ours == theirs


def test_a_line_without_a_request_names_none(lines: Lines) -> None:
    structlog.get_logger().info("started")
    assert "request_id" not in lines()[0]


def test_work_without_a_request_gets_an_id_and_keeps_it(lines: Lines) -> None:
    given = logs.current_request_id()
    structlog.get_logger().info("asked")
    assert given
    assert lines()[0]["request_id"] == given == logs.current_request_id()


@pytest.mark.parametrize(
    "value",
    [
        NUMBER,
        f"重复的身份证号{NUMBER}，见第3行",
        "１１０１０５１９４９１２３１００２Ｘ",
        "110105 19491231 002X",
        int(OTHER),
        [NUMBER, OTHER],
        (NUMBER,),
        {NUMBER},
        {"person": {"document": {"number": NUMBER, "earlier": [{"number": OTHER}]}}},
        {NUMBER: "a key"},
        {(NUMBER, 1): {int(OTHER): "keys"}},
        Row("王小明", NUMBER),
        ResidentNumber(NUMBER, TODAY, "female"),
        ValueError(f"not a number: {NUMBER}"),
        NUMBER.encode(),
        TOKEN_INVALID(reason=NUMBER),
        [[[[[[NUMBER]]]]]],
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_number_is_masked_in_whatever_field_and_depth_it_stands(lines: Lines, value: object) -> None:
    structlog.get_logger().info("row_rejected", value=value, rows=[{"value": value}])
    structlog.get_logger().warning(f"row rejected: {value}")
    logging.getLogger("somebody").info("row %s rejected", value, extra={"value": value})
    assert [line["event"] != "" for line in lines()] == [True] * 3


@pytest.mark.parametrize("logger", ["uvicorn.error", "uvicorn", "asyncio", "sqlalchemy.engine"])
def test_a_number_in_an_exception_is_masked_whoever_logs_it(lines: Lines, logger: str) -> None:
    def read(number: str) -> None:
        found = read_resident_number(number, today=TODAY)
        assert not isinstance(found, NumberFault)
        raise LookupError(f"nobody has {number}") from KeyError(OTHER)

    try:
        read(NUMBER)
    except LookupError:
        structlog.get_logger().exception("job_failed", number=NUMBER)
        logging.getLogger(logger).exception("Exception in ASGI application for %s", NUMBER)
    ours, theirs = lines()
    for line in (ours, theirs):
        assert "LookupError: nobody has 1101************2X" in line["exception"]
        assert "KeyError: '1405************" in line["exception"]
        assert "test_shared_logs.py" in line["exception"]
    assert theirs["event"] == "Exception in ASGI application for 1101************2X"


def test_what_would_drown_the_log_stays_out(lines: Lines) -> None:
    for noisy in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(noisy).info("GET /v1/bills")
    logging.getLogger("somebody").debug("detail")
    assert [line["event"] for line in lines()] == []
