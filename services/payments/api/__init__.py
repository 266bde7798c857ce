"""Routes of payments: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import bank, bills, books, collections, counter, ledgers, orders, refunds, remittances, statements, tax, wechat

router = APIRouter()
for subject in (
    bank,
    bills,
    counter,
    collections,
    refunds,
    books,
    tax,
    orders,
    wechat,
    ledgers,
    remittances,
    statements,
):
    router.include_router(subject.router)
