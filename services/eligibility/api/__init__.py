"""Routes of eligibility: parse, one use case, answer. One file per subject."""

from fastapi import APIRouter

from . import erasures, feeds, matches, merges, persons, statuses, suppliers

router = APIRouter()
# What is asked most often first: the route of a request is found by going through them.
for subject in (statuses, persons, feeds, matches, merges, erasures, suppliers):
    router.routes.extend(subject.router.routes)
