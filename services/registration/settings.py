"""Settings of registration, from the environment (REGISTRATION_…)."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Whom registration asks and follows; the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="REGISTRATION_", extra="ignore")

    eligibility_url: str = "http://127.0.0.1:8002"
    payments_url: str = "http://127.0.0.1:8003"
    rosters_at_once: Annotated[int, Field(ge=1, le=8)] = 2
    """Rosters that a worker takes side by side: while one waits for eligibility or the database, another goes on."""
