"""Applications for uvicorn: services whose business day lies in the season of the invented town, whenever they run."""

from datetime import datetime

from fastapi import FastAPI

from services.eligibility.app import create_app as create_eligibility
from services.registration.app import create_app as create_registration
from shared.clock import SHANGHAI, SetClock

NOW = datetime(2021, 9, 2, 9, tzinfo=SHANGHAI)
"""All lists of the town speak of days before it."""


def eligibility() -> FastAPI:
    """The eligibility service."""
    return create_eligibility(clock=SetClock(NOW))


def registration() -> FastAPI:
    """The registration service."""
    return create_registration(clock=SetClock(NOW))
