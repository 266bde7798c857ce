"""Refunds through a channel are brought to their end by what the channel says of them.

    lease (tx: one worker, one refund) → ask or submit (no transaction) → tx: `settle_refund`

The intent was stored before (`payback.py`). The first try submits. Every later one asks first, under the same number,
and submits again only where the channel knows nothing of it: whoever died between call and commit has paid once.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date

import structlog

from shared.clock import wall_now
from shared.database import Row

from ..clients import Done, Outcome, Payout, PayoutState, Refused, Unknown
from ..rules import Method, RefundState, refund_number
from ..rules.refunding import Limit, wechat_limit
from ..rules.unionpay import INSTITUTION as UNIONPAY
from ..schemas.tax_refunds import TaxRefund
from ..schemas.wechat import WechatRefund
from ..store import refunds as store
from . import unionpay_refunds
from .payback import settle_refund
from .refund_words import NOT_SET_UP, Word
from .suite import Payments
from .wechat import wechat_refund_news

_MOST_SECONDS = 3600.0
_REASON = "城乡居民医保缴费退费"
_log = structlog.get_logger()


async def ask_refunds(service: Payments) -> bool:
    """Submit one refund, or ask about one whose turn it is; whether there was any."""
    now, seconds = wall_now(), service.settings.refund_ask_seconds
    async with service.database.reading() as reader:
        pool = await store.pool_with_due_refund(reader, now, seconds, _MOST_SECONDS)
    if pool is None:
        return False
    async with service.database.writing() as tx:
        row = await store.lease_refund(tx, pool, now, seconds, _MOST_SECONDS)
    if row is None:
        return False
    word = await _ask(service, row)
    _log.info("refund_asked", refund_id=str(row["refund_id"]), method=row["method"], said=word.state or word.detail)
    await _record(service, row, word)
    return True


async def _ask(service: Payments, row: Row) -> Word:
    """Submit, or ask first where the refund may have been submitted before."""
    submit, query = _CHANNELS[Method(row["method"])]
    if row["tries"] == 1:
        return await submit(service, row)
    word = await query(service, row)
    if word.absent and row["state"] == RefundState.SUBMITTED:
        return await submit(service, row)
    return word


async def _record(service: Payments, row: Row, word: Word) -> None:
    pool, refund_id, now = row["pool"], row["refund_id"], service.clock.now()
    async with service.database.writing() as tx:
        if word.refund is not None:
            await wechat_refund_news(tx, word.refund, now)
        elif word.state is not None:
            await settle_refund(
                tx, pool, refund_id, word.state, word.at or now, reference=word.reference, detail=word.detail
            )
        elif word.detail:
            await store.note_refund(tx, pool, refund_id, word.detail)


async def _submit_to_wechat(service: Payments, row: Row) -> Word:
    if service.wechat is None:
        return NOT_SET_UP
    pause = service.wechat.settings.limits.refund_parts_seconds
    last = (wall_now() - row["last_part_at"]).total_seconds() if row["last_part_at"] else None
    limit = wechat_limit(row["paid_at"], row["other_parts"], last, service.clock.now(), pause)
    if limit:
        return Word(None if limit is Limit.TOO_SOON else RefundState.FAILED, detail=limit)
    number = refund_number(row["pool"], row["refund_id"])
    transaction_id = row["payment_reference"]
    return _from_wechat(
        await service.wechat.refund(number, transaction_id, row["amount_fen"], row["paid_fen"], _REASON)
    )


async def _query_wechat(service: Payments, row: Row) -> Word:
    if service.wechat is None:
        return NOT_SET_UP
    outcome = await service.wechat.query_refund(refund_number(row["pool"], row["refund_id"]))
    if isinstance(outcome, Refused) and outcome.code == "RESOURCENOTEXISTS":
        return Word(absent=True, detail=outcome.code)
    # Only a submission is refused: that a question is, says nothing of the refund.
    return Word(detail=outcome.code) if isinstance(outcome, Refused) else _from_wechat(outcome)


def _from_wechat(outcome: Outcome[WechatRefund]) -> Word:
    if isinstance(outcome, Done):
        return Word(refund=outcome.value)
    return _not_done(outcome, _WECHAT_REFUSES)


async def _submit_to_bank(service: Payments, row: Row) -> Word:
    if row["payment_reference"].startswith(f"{UNIONPAY}/"):
        return await unionpay_refunds.submit(service, row)
    institution, day, serial = row["payment_reference"].split("/", maxsplit=2)
    bank = service.banks.get(institution)
    if bank is None or not bank.pays_out:
        return NOT_SET_UP
    number = refund_number(row["pool"], row["refund_id"])
    paid_on = date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}")
    return _from_bank(await bank.pay_out(number, paid_on, serial, row["amount_fen"], now=service.clock.now()))


async def _query_bank(service: Payments, row: Row) -> Word:
    if row["payment_reference"].startswith(f"{UNIONPAY}/"):
        return await unionpay_refunds.query(service, row)
    bank = service.banks.get(row["payment_reference"].partition("/")[0])
    if bank is None or not bank.pays_out:
        return NOT_SET_UP
    return _from_bank(await bank.query_payout(refund_number(row["pool"], row["refund_id"]), now=service.clock.now()))


def _from_bank(payout: Payout) -> Word:
    absent = payout.state is PayoutState.UNKNOWN and payout.reason == "not_known"
    return Word(_BANK_STATES.get(payout.state), detail=payout.reason, absent=absent)


async def _submit_to_tax(service: Payments, row: Row) -> Word:
    if service.tax_office is None:
        return NOT_SET_UP
    number = refund_number(row["pool"], row["refund_id"])
    return _from_tax(await service.tax_office.apply(number, row["payment_reference"], row["amount_fen"]))


async def _query_tax(service: Payments, row: Row) -> Word:
    if service.tax_office is None:
        return NOT_SET_UP
    outcome = await service.tax_office.query(refund_number(row["pool"], row["refund_id"]))
    if isinstance(outcome, Refused):
        return Word(absent=outcome.code == "REFUNDUNKNOWN", detail=outcome.code)
    return _from_tax(outcome)


def _from_tax(outcome: Outcome[TaxRefund]) -> Word:
    if isinstance(outcome, Done):
        said = outcome.value
        return Word(_TAX_STATES[said.state], said.settled_at, said.document_no, said.reason)
    return _not_done(outcome, None)


def _not_done(outcome: Refused | Unknown, refusals: frozenset[str] | None) -> Word:
    """A refusal of this refund ends it; one of us (no balance, no right) is mended and then asked again."""
    if isinstance(outcome, Refused) and (refusals is None or outcome.code in refusals):
        return Word(RefundState.FAILED, detail=outcome.code)
    return Word(detail=outcome.code if isinstance(outcome, Refused) else outcome.why)


_Call = Callable[[Payments, Row], Awaitable[Word]]
_CHANNELS: Mapping[Method, tuple[_Call, _Call]] = {
    Method.WECHAT: (_submit_to_wechat, _query_wechat),
    Method.BANK: (_submit_to_bank, _query_bank),
    Method.ETAX: (_submit_to_tax, _query_tax),
}
"""How a refund is submitted to its channel, and how it is asked about."""

_WECHAT_REFUSES = frozenset({"USERACCOUNTABNORMAL", "PARAMERROR", "INVALIDREQUEST", "RESOURCENOTEXISTS"})
_BANK_STATES: Mapping[PayoutState, RefundState] = {
    PayoutState.ACCEPTED: RefundState.PROCESSING,
    PayoutState.DONE: RefundState.SETTLED,
    PayoutState.FAILED: RefundState.FAILED,
}
_TAX_STATES: Mapping[str, RefundState] = {
    "accepted": RefundState.PROCESSING,
    "settled": RefundState.SETTLED,
    "refused": RefundState.FAILED,
}
