"""Messages of the bank's write-off interface (销账; protocols §2.1): raw bytes ↔ typed messages.

A form (`bank_forms`) reads bytes into a tree of texts, `head` and `body`; the messages are made from that tree and are
the same for every form. All values are texts: yuan with two decimals, days `YYYYMMDD`, instants `YYYYMMDDhhmmss` in
Asia/Shanghai. Fields that we do not know are left alone: a partner may add some.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from shared.clock import SHANGHAI

from ..rules.bank import Code
from ..rules.tax import NOT_NAMED
from .bank_forms import Form


class MalformedMessage(Exception):
    """A message that cannot be read; `faults` says where and what, for people."""

    def __init__(self, faults: str, head: Mapping[str, str]) -> None:
        super().__init__(faults)
        self.faults, self.head = faults, head


def yuan_to_fen(text: str) -> int:
    """`"300.00"` → 30000. Raises ValueError for anything but yuan with exactly two decimals."""
    if not isinstance(text, str) or not _YUAN.fullmatch(text):
        raise ValueError("an amount is yuan with two decimals, as text")
    return int(text.replace(".", ""))


def fen_to_yuan(amount_fen: int) -> str:
    """30000 → `"300.00"`."""
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def _day(text: Any) -> date:
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        raise ValueError("a day is YYYYMMDD")
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def read_instant(text: Any) -> datetime:
    """`"20211205100000"` in Asia/Shanghai. Raises ValueError."""
    if not isinstance(text, str) or not _INSTANT.fullmatch(text):
        raise ValueError("an instant is YYYYMMDDhhmmss")
    day = _day(text[:8])
    return datetime.combine(day, time(int(text[8:10]), int(text[10:12]), int(text[12:])), SHANGHAI)


def _count(text: Any) -> int:
    if not isinstance(text, str) or not _COUNT.fullmatch(text):
        raise ValueError("a count is digits, as text")
    return int(text)


_YUAN = re.compile(r"(0|[1-9][0-9]{0,9})\.[0-9]{2}")
_DAY = re.compile(r"[12][0-9]{7}")
_INSTANT = re.compile(r"[12][0-9]{13}")
_COUNT = re.compile(r"[0-9]{1,9}")
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

Fen = Annotated[int, BeforeValidator(yuan_to_fen)]
PaidFen = Annotated[int, BeforeValidator(yuan_to_fen), Field(gt=0)]
Day = Annotated[date, BeforeValidator(_day)]
BankInstant = Annotated[datetime, BeforeValidator(read_instant)]
Count = Annotated[int, BeforeValidator(_count)]
Serial = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}$")]
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=_PRINTABLE)]
OptionalText = Annotated[str, Field(max_length=100, pattern=_PRINTABLE)]

SchemeNamed = Annotated[str, Field(max_length=60, pattern=_PRINTABLE)]
"""What the payer chose to pay for; empty where the bank does not ask."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)


class Head(_Part):
    """What every message begins with; `trans_date` is the bank's accounting day, the serial its own on that day."""

    institution: Text
    trans_code: Text
    trans_date: Day
    trans_seq: Serial


class Query(_Part):
    """What does this payer owe? `bill_key` is a bill's number or the person's id; `region` the place of insurance: that
    of the company code where a bank does not name it."""

    company_id: Text
    bill_key: Text
    region: Annotated[str, Field(pattern=r"^([1-9][0-9]{5}([0-9]{3}([0-9]{3})?)?)?$")] = ""
    scheme: SchemeNamed = ""


class Pay(_Part):
    """The bank has taken money for a bill. A bank may name neither the payer nor the time (protocols §2.1, A)."""

    company_id: Text
    bill_no: Annotated[str, Field(min_length=1, max_length=32, pattern=_PRINTABLE)]
    pay_amount: PaidFen
    payer_name: Text = NOT_NAMED
    payer_account: OptionalText = ""
    pay_time: BankInstant | None = None
    sub_channel: OptionalText = ""
    scheme: SchemeNamed = ""


class Reverse(_Part):
    """The bank gives back what it took under an earlier serial of the same accounting day (冲正)."""

    company_id: Text
    original_date: Day
    original_seq: Serial
    pay_amount: PaidFen


class Result(_Part):
    """What became of the message with this serial? The bank's own knowledge ended in a time-out."""

    company_id: Text
    original_date: Day
    original_seq: Serial


class Check(_Part):
    """The bank's totals of a day (对账), and the name of the file that has the lines."""

    company_id: Text
    check_date: Day
    pay_count: Count
    pay_amount: Fen
    reverse_count: Count
    reverse_amount: Fen
    file_name: OptionalText = ""


BODIES: Mapping[str, type[_Part]] = {
    "QUERY": Query,
    "PAY": Pay,
    "REVERSE": Reverse,
    "RESULT": Result,
    "CHECK": Check,
}
"""The body of each transaction code."""


def read_message(form: Form, raw: bytes, trans_code: str | None) -> tuple[Head, Any]:
    """Head and body of a message that must have this transaction code; None: whichever it names itself.

    Raises MalformedMessage.
    """
    try:
        tree = form.read(raw)
    except ValueError as error:
        raise MalformedMessage(f"the message cannot be read: {error}", {}) from error
    given = tree.get("head")
    said = {name: text for name, text in given.items() if isinstance(text, str)} if isinstance(given, dict) else {}
    try:
        head = Head.model_validate(given)
        wanted = trans_code or head.trans_code
        if wanted not in BODIES:
            raise MalformedMessage(f"trans_code {wanted} is not one of {', '.join(BODIES)}", said)
        body = BODIES[wanted].model_validate(tree.get("body"))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise MalformedMessage(faults, said) from error
    if head.trans_code != wanted:
        raise MalformedMessage(f"trans_code is {head.trans_code}, this address takes {trans_code}", said)
    return head, body


def write_answer(form: Form, head: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
    """An answer: the head of the message with return code and text added, and a body."""
    return form.write({"head": dict(head), "body": dict(body)})


def answer_head(head: Head) -> dict[str, str]:
    """The part of an answer's head that repeats the message's."""
    return {
        "institution": head.institution,
        "trans_code": head.trans_code,
        "trans_date": f"{head.trans_date:%Y%m%d}",
        "trans_seq": head.trans_seq,
    }


RETURN_CODES: Mapping[Code, str] = {
    Code.ACCEPTED: "AAAAAAA",
    **{code: f"YB{number:05d}" for number, code in enumerate(list(Code)[1:], start=1)},
}
"""The usual return codes; an institution's settings replace single ones."""

MESSAGES: Mapping[Code, str] = {
    Code.ACCEPTED: "交易成功",
    Code.BILL_UNKNOWN: "没有这张应缴单，请核对单号",
    Code.BILL_VOIDED: "应缴单已作废，请重新查询",
    Code.ALREADY_PAID: "应缴单已缴，请勿重复缴费",
    Code.OUTSIDE_WINDOW: "不在集中征缴期内，不能缴费",
    Code.CLOSED_DAY: "征缴期内本日不办理缴费，请在开放日缴费",
    Code.WRONG_PLACE: "参保地与应缴单不符，请选择正确的参保地",
    Code.COMPANY_UNKNOWN: "没有这个收费单位代码",
    Code.REVERSED: "该笔缴费已先行冲正，未入账",
    Code.NOT_KNOWN: "没有收到该流水号的交易，请用原流水号重发或冲正",
    Code.SERIAL_REUSED: "流水号已用于其他内容的交易，请换新流水号",
    Code.AMOUNT_DIFFERS: "金额与应缴单或原交易不符",
    Code.NOT_A_PAYMENT: "原流水号不是缴费交易",
    Code.DAY_OVER: "只能冲正当日交易，隔日请办理退费",
    Code.PAID_BACK: "该笔缴费已退费，不能冲正",
    Code.TOTALS_DIFFER: "对账总数不符，请以明细文件核对",
    Code.MALFORMED: "报文有误",
    Code.NOT_AUTHENTIC: "机构不明或报文校验码不符",
    Code.TOO_OFTEN: "同一用户请求过于频繁，请稍后再试",
    Code.WRONG_SCHEME: "缴费险种与应缴单不符，请选择正确的险种",
    Code.BEING_PAID: "应缴单正在其他渠道支付，请稍后再试",
    Code.BEING_WITHHELD: "应缴单已交银行代扣，请待代扣结果",
}
"""The text beside a return code."""
