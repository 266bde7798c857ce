"""Routes of payments: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import bills, books, collections, counter, refunds

router = APIRouter()
for subject in (bills, counter, collections, refunds, books):
    router.include_router(subject.router)
