"""Routes of eligibility: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import feeds, matches, merges, persons, statuses, suppliers

router = APIRouter()
for subject in (feeds, persons, matches, merges, statuses, suppliers):
    router.routes.extend(subject.router.routes)
