"""Routes of registration: parse, one use case, answer."""

from fastapi import APIRouter

from . import cases, dry_runs, enrolments, explanations, packages, rosters

router = APIRouter()
for part in (packages, dry_runs, rosters, enrolments, explanations, cases):
    router.routes.extend(part.router.routes)
