"""Settings of refunds, from the environment (REFUNDS_…)."""

from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Whom refunds asks, and how soon it asks again; the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="REFUNDS_", extra="ignore")

    payments_url: str = "http://127.0.0.1:8003"
    registration_url: str = "http://127.0.0.1:8001"
    ask_again_seconds: float = 20.0
    """How long an application may be `paying` before payments is asked again for the outcome."""
