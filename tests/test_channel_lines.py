"""What a channel can do to us: each line has at least one test, marked `pytest.mark.channel` with its name here.

The simulators under deploy/local/simulators play all of it on demand, so that a partner's developer can, too.
"""

import ast
from collections.abc import Iterator

from tests.suite import ROOT

CHANNEL_LINES = {
    "wechat: exact bytes": "our signature is verified over the bytes that were sent",
    "wechat: signed answers": "an answer that is not signed is not believed",
    "wechat: key modes": "public key, platform certificate, and both at once while WeChat moves a merchant",
    "wechat: probes": "a SIGNTEST signature is refused, never answered 200",
    "wechat: old timestamp": "more than five minutes off is refused",
    "wechat: wrong serial": "a key that we do not know is refused",
    "wechat: empty associated data": "a resource sealed without it is opened",
    "wechat: schedule": "a notification that is not taken comes again, by the published schedule",
    "wechat: duplicates": "notices that come twice or out of order book once",
    "wechat: paid after close": "the money is booked",
    "wechat: paid, then time-out": "the order is found paid by asking",
    "wechat: failure, then success": "SYSTEM_ERROR changes nothing; asked again, it succeeds",
    "wechat: refund ends": "NOT_ENOUGH, ABNORMAL, CLOSED",
    "wechat: refund limits": "one year after payment, fifty parts",
    "wechat: rate": "six erring requests a second, then FREQUENCY_LIMITED",
    "wechat: bill bytes": "BOM, CRLF and back-ticks, gzip and plain, have the announced hash",
    "wechat: bill hash": "bytes with another hash are not taken",
    "wechat: bill names": "a product name with a comma and a quote",
    "wechat: bill address": "an expired download address is asked for anew",
    "wechat: bill creating": "STATEMENT_CREATING, then the data",
    "wechat: no bill": "NO_STATEMENT_EXIST is a day without payments",
    "bank: unknown outcome": "UnionPay 03, 04, 05: asked about, not failed",
    "bank: late notice": "a notification that comes late",
    "bank: wrong certificate": "another CN than UnionPay's is refused",
    "bank: time-out, then success": "found by asking",
    "bank: order twice": "the same orderId twice is one order",
    "bank: whole file refused": "a return file that refuses the batch, kept apart from refused lines",
    "bank: partial debit": "less than was asked for",
    "bank: final file": "an interim return file, then the final one that supersedes it",
    "bank: wrong totals": "a file whose totals are not those of its lines",
    "bank: odd width": "a GBK name of odd width in a file cut by bytes",
    "bank: reversal first": "a reversal before its original",
    "bank: reversal twice": "undoes once",
    "bank: reversal next day": "is refused",
    "tax: duplicates": "confirmations twice and out of order",
    "tax: event id": "the same with another amount: 422 and an alert",
    "tax: object or array": "`v` as an object and as an array",
    "tax: parts": "a day of 1,001 rows in two packages, one of them missing",
    "tax: sent again": "a day's posted items sent again with changes replace the day",
    "tax: partly refused": "a treasury refund of which 9110 refuses a part",
    "tax: refund check": "a 3123 that disagrees",
    "counter: void after settlement": "a card sale taken back after the acquirer has settled",
    "counter: cash difference": "the drawer counts another sum",
    "agent: remittance short": "by one person",
    "agent: signed line": "corrected after signing",
    "agent: paid twice": "two payments of one person",
}


def marked() -> Iterator[str]:
    """Every name in a mark `pytest.mark.channel(…)` of the tests, read from their source."""
    for path in sorted((ROOT / "tests").glob("**/test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.channel":
                yield from (str(one.value) for one in node.args if isinstance(one, ast.Constant))


def test_every_line_has_a_test_and_every_mark_its_line() -> None:
    assert set(marked()) == set(CHANNEL_LINES)
