"""Settings of payments, from the environment (PAYMENTS_…)."""

from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Where registration, whose news payments follows, is found; the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="PAYMENTS_", extra="ignore")

    registration_url: str = "http://127.0.0.1:8001"
