"""Settings of eligibility, from the environment (ELIGIBILITY_…)."""

from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """All of them stand in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="ELIGIBILITY_", extra="ignore")
