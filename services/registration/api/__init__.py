"""Routes of registration: parse, one use case, answer."""

from fastapi import APIRouter

from . import cases, enrolments, packages, rosters

router = APIRouter()
for part in (packages, rosters, enrolments, cases):
    router.include_router(part.router)
