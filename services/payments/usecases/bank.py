"""The bank's write-off interface (销账): the bank asks what is owed, tells what it took or gave back, checks the day.

`take_bank_message` is the only door: the code over the raw bytes first, then the message, then one use case for each
transaction code, then an answer with a code of its own. An answer without one tells the bank nothing: it asks again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from time import monotonic
from uuid import UUID

from shared.clock import business_day
from shared.database import Row
from shared.problem import Problem
from shared.regions import in_pool

from ..clients import Bank
from ..formats import bank as messages
from ..formats.bank_forms import JsonForm
from ..rules import BillStatus, Window
from ..rules import bank as rules
from ..rules.bank import Code
from ..schemas.order_problems import BILL_BEING_WITHHELD
from ..store import bank as store
from .bank_messages import Message, Said, keep_message, repeated, standing_of, told_reversed
from .bank_money import take_payment, take_reversal
from .rivals import find_rivals
from .suite import Payments


@dataclass(frozen=True)
class BankAnswer:
    """What goes back to the bank: a status, bytes, and the code over them where we know with whom we speak."""

    status: int
    raw: bytes
    media_type: str
    mac: str | None


async def take_bank_message(
    service: Payments, trans_code: str | None, institution: str, mac: str, raw: bytes
) -> BankAnswer:
    """Authenticate, read, act and answer; without `trans_code` the message names its own.

    Raises what the database raises: then nothing was booked.
    """
    bank = service.banks.get(institution)
    if bank is None or not bank.mac.matches(raw, mac):
        return _not_authentic(institution, bank)
    try:
        head, body = messages.read_message(bank.form, raw, trans_code)
    except messages.MalformedMessage as error:
        said = Said(Code.MALFORMED, {"faults": error.faults})
        return _answer(bank, 400, {**error.head, "institution": institution}, said)
    if head.institution != institution:
        return _not_authentic(institution, bank)
    message = Message(bank, head, body, raw, bank.pool_of(body.company_id), service.clock.now())
    return _answer(bank, 200, messages.answer_head(head), await _TAKE[head.trans_code](service, message))


async def answer_query(service: Payments, message: Message) -> Said:
    """What can be paid now for a bill or a person. The place is asked first (S004-20); who asks is put on record."""
    pool, asked = message.pool, message.body
    if pool is None:
        return Said(Code.COMPANY_UNKNOWN, {})
    if message.bank.queries.wait_seconds(asked.bill_key, monotonic()):
        return Said(Code.TOO_OFTEN, {})
    person_id = _person_id(asked.bill_key)
    elsewhere = person_id is None and not asked.bill_key.startswith(pool)
    if elsewhere or not in_pool(asked.region or pool, pool):
        return Said(Code.WRONG_PLACE, {"rules": list(rules.WRONG_PLACE_RULES)})
    bill_no = asked.bill_key if person_id is None else None
    today = business_day(message.now)
    async with service.database.writing() as tx:
        rows = await store.bills_of_key(tx, pool, bill_no=bill_no, person_id=person_id)
        rivals = await find_rivals(service, tx, pool, [row["bill_no"] for row in rows])
        withheld = {bill_no for bill_no, rival in rivals.items() if _withheld(rival)}
        bills = [_asked(row, withheld) for row in rows]
        refused = rules.query_refusal(bills, today, asked.scheme)
        if rows:
            persons = sorted({row["person_id"] for row in rows})
            client = f"bank/{message.bank.institution}"
            tx.audit(pool, "bill.queried", client, client, message.now, persons, {"serial": message.serial})
    if refused:
        return Said(refused[0], {"rules": list(refused[1])})
    shown = [_shown(row) for row, bill in zip(rows, bills, strict=True) if rules.payable(bill, today, asked.scheme)]
    return Said(Code.ACCEPTED, {"bills": shown})


async def answer_result(service: Payments, message: Message) -> Said:
    """What became of a serial. Asking never books: what is not known may be sent again under it, or reversed."""
    asked = message.body
    async with service.database.reading() as tx:
        row = await store.find_serial(
            tx, message.books, message.bank.institution, asked.original_date, asked.original_seq
        )
    if row is None:
        return Said(Code.NOT_KNOWN, {"state": "not_known"})
    said = told_reversed(row["bill_no"]) if standing_of(row).void else Said.again(row["answer"])
    state = {"kind": row["kind"], "state": row["our_state"], "return_code": message.bank.return_codes[said.code]}
    return Said(Code.ACCEPTED, {**said.body, **state})


async def check_day(service: Payments, message: Message) -> Said:
    """Compare the bank's totals of a day with ours (对账). Both are remembered for the reconciliation, right or wrong.

    Where they agree the day is closed for reversals.
    """
    asked = message.body
    theirs = {
        "pay_count": asked.pay_count,
        "pay_fen": asked.pay_amount,
        "reverse_count": asked.reverse_count,
        "reverse_fen": asked.reverse_amount,
    }
    key = (message.books, message.bank.institution)
    async with service.database.writing() as tx:
        evidence_id = await keep_message(tx, service, message)
        earlier = await store.find_check(tx, *key, message.head.trans_date, message.head.trans_seq)
        if earlier:
            return repeated(message, earlier)
        await store.lock_day(tx, *key, asked.check_date)
        ours = await store.check_day(tx, *key, asked.check_date, theirs, business_day(message.now))
        agreed = theirs == dict(ours)
        said = Said(Code.ACCEPTED if agreed else Code.TOTALS_DIFFER, _totals(asked.check_date, ours))
        row = {
            "pool": message.books,
            "institution": message.bank.institution,
            "bank_date": message.head.trans_date,
            "bank_seq": message.head.trans_seq,
            "check_date": asked.check_date,
            **theirs,
            **{f"our_{name}": value for name, value in ours.items()},
            "agreed": agreed,
            "file_name": asked.file_name,
            "content_hash": message.content_hash,
            "answer": said.kept(),
            "evidence_id": evidence_id,
            "received_at": message.now,
        }
        if not await store.insert_check(tx, row):  # the same check at the same moment
            other = await store.find_check(tx, *key, message.head.trans_date, message.head.trans_seq)
            assert other is not None
            return repeated(message, other)
    return said


def _answer(bank: Bank, status: int, head: Mapping[str, str], said: Said) -> BankAnswer:
    told = {"return_code": bank.return_codes[said.code], "return_message": messages.MESSAGES[said.code]}
    raw = messages.write_answer(bank.form, {**head, **told}, said.body)
    return BankAnswer(status, raw, bank.form.media_type, bank.mac.of(raw))


def _not_authentic(institution: str, bank: Bank | None) -> BankAnswer:
    """For somebody who may be anybody: nothing of the message is read, and nothing is signed."""
    head = {
        "institution": institution,
        "return_code": messages.RETURN_CODES[Code.NOT_AUTHENTIC],
        "return_message": messages.MESSAGES[Code.NOT_AUTHENTIC],
    }
    form = bank.form if bank else JsonForm()
    return BankAnswer(401, messages.write_answer(form, head, {}), form.media_type, None)


def _person_id(bill_key: str) -> UUID | None:
    try:
        return UUID(bill_key)
    except ValueError:
        return None


def _withheld(rival: Exception) -> bool:
    return isinstance(rival, Problem) and rival.kind is BILL_BEING_WITHHELD


def _asked(row: Row, withheld: Collection[str]) -> rules.Asked:
    return rules.Asked(
        BillStatus(row["status"]), Window.of(row["window"]), row["scheme"], withheld=row["bill_no"] in withheld
    )


def _shown(row: Row) -> dict[str, str]:
    return {
        "bill_no": row["bill_no"],
        "name": row["name_masked"] or "",
        "scheme": row["scheme"],
        "pay_amount": messages.fen_to_yuan(row["amount_fen"]),
        "payable_until": row["window"]["to"].replace("-", ""),
    }


def _totals(check_date: date, ours: Row) -> dict[str, str]:
    return {
        "check_date": f"{check_date:%Y%m%d}",
        "pay_count": str(ours["pay_count"]),
        "pay_amount": messages.fen_to_yuan(ours["pay_fen"]),
        "reverse_count": str(ours["reverse_count"]),
        "reverse_amount": messages.fen_to_yuan(ours["reverse_fen"]),
    }


_TAKE: Mapping[str, Callable[[Payments, Message], Awaitable[Said]]] = {
    "QUERY": answer_query,
    "PAY": take_payment,
    "REVERSE": take_reversal,
    "RESULT": answer_result,
    "CHECK": check_day,
}
