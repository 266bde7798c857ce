"""Payouts at a simulated bank: the biller orders money back to the account that it came from."""

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from fastapi import Request, Response
from pydantic import BaseModel

from .bank_books import Books, Payout, yuan
from .bank_wire import MEDIA_TYPES, read_message, write_message

PayoutOutcome = Literal["accepted", "done", "failed", "unknown"]


class Speaker(Protocol):
    """Writes a bank's messages and makes the code over them."""

    @property
    def form(self) -> str:
        """The form of its messages."""
        ...

    def mac(self, raw: bytes) -> str:
        """The code over a message."""
        ...


class PayoutOrder(BaseModel):
    """What becomes of the next payouts."""

    outcome: PayoutOutcome
    count: int = 1


class Payouts:
    """The payouts that the biller orders, and what is to become of the next ones."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._next: list[PayoutOutcome] = []

    def arrange(self, order: PayoutOrder) -> None:
        """Decide what becomes of the next payouts."""
        self._next += [order.outcome] * order.count

    def order(self, institution: str, body: Mapping[str, str]) -> Payout:
        """A payout: the first one under its number counts, whatever is sent after it."""
        known = self._books.payouts.get((institution, body["refund_no"]))
        if known:
            same = (known.original_day, known.original_seq) == (body["original_date"], body["original_seq"])
            if not same or yuan(known.amount_fen) != body["pay_amount"]:
                return Payout(institution, known.refund_no, "", "", 0, "failed", "number_reused")
            return self._by_now(known)
        payout = Payout(
            institution,
            body["refund_no"],
            body["original_date"],
            body["original_seq"],
            int(body["pay_amount"].replace(".", "")),
            self._next.pop(0) if self._next else "done",
        )
        payout.reason = self._fault(payout)
        if payout.reason:
            payout.state = "failed"
        elif payout.state == "failed":
            payout.reason = "account_closed"
        self._books.keep(payout)
        return payout

    def ask(self, institution: str, body: Mapping[str, str]) -> Payout | None:
        """What became of a payout."""
        payout = self._books.payouts.get((institution, body["refund_no"]))
        return self._by_now(payout) if payout else None

    def _by_now(self, payout: Payout) -> Payout:
        """A payout that was accepted, or whose answer was lost, is done when one asks again."""
        if payout.state in ("accepted", "unknown"):
            payout.state = "done"
            self._books.keep(payout)
        return payout

    def _fault(self, payout: Payout) -> str:
        original = self._books.entries.get((payout.institution, payout.original_day, payout.original_seq))
        if original is None or original.kind not in ("pay", "debit"):
            return "original_unknown"
        if original.state != "booked":
            return "original_reversed"
        back = sum(
            other.amount_fen
            for other in self._books.payouts.values()
            if (other.institution, other.original_day, other.original_seq)
            == (payout.institution, payout.original_day, payout.original_seq)
            and other.state != "failed"
        )
        return "exceeds_original" if back + payout.amount_fen > original.amount_fen else ""


async def serve_biller(
    request: Request, lines: Mapping[str, Speaker], act: Callable[[str, Mapping[str, str]], Payout | None]
) -> Response:
    """Answer a signed order of the biller with a signed answer; an outcome that is to be unknown is not answered."""
    raw = await request.body()
    institution = request.headers.get("X-Institution", "")
    line = lines.get(institution)
    if line is None or line.mac(raw) != request.headers.get("X-Mac"):
        return Response(status_code=401)
    message = read_message(line.form, raw)
    payout = act(institution, message["body"])
    if payout and payout.state == "unknown":
        return Response(status_code=504)
    state = {"state": payout.state, "reason": payout.reason} if payout else {"state": "unknown", "reason": "not_known"}
    answer = write_message(line.form, {**message["head"], "return_code": "AAAAAAA"}, state)
    return Response(answer, headers={"X-Mac": line.mac(answer)}, media_type=MEDIA_TYPES[line.form])
