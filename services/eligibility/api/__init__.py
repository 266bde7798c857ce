"""Routes of eligibility: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import feeds, matches, persons, statuses, suppliers

router = APIRouter()
for subject in (feeds, persons, matches, statuses, suppliers):
    router.include_router(subject.router)
