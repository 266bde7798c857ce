"""Settings of eligibility, from the environment (ELIGIBILITY_…)."""

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """The keys that seal personal data (shape: shared/sealing.py); the rest stands in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="ELIGIBILITY_", extra="ignore")

    sealing_keys: SecretStr = SecretStr("")
