"""Routes of registration: parse, one use case, answer."""

from fastapi import APIRouter

from . import enrolments, packages, rosters

router = APIRouter()
for part in (packages, rosters, enrolments):
    router.include_router(part.router)
