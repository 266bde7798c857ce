"""Routes of payments: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import (
    agreements,
    bank,
    batches,
    bills,
    blocks,
    books,
    cards,
    cash_books,
    chain,
    collections,
    counter,
    ledgers,
    orders,
    receipts,
    records,
    refunds,
    remittances,
    statements,
    tax,
    tax_office,
    treasury,
    unionpay,
    wechat,
    withholding,
)

router = APIRouter()
for subject in (
    counter,
    tax,
    bills,
    bank,
    cards,
    collections,
    receipts,
    records,
    refunds,
    books,
    orders,
    wechat,
    unionpay,
    ledgers,
    batches,
    cash_books,
    blocks,
    remittances,
    statements,
    chain,
    treasury,
    tax_office,
    agreements,
    withholding,
):
    router.routes.extend(subject.router.routes)
