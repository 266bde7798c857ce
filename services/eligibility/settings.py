"""Settings of eligibility, from the environment (ELIGIBILITY_…)."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Besides those in ServiceSettings."""

    model_config = SettingsConfigDict(env_prefix="ELIGIBILITY_", extra="ignore")

    erasure_after_days: Annotated[int, Field(ge=0)] = 10_958
    """Days after the last record of a person before which name and numbers are not erased: 30 years, as vouchers are
    kept (会计档案管理办法); less only where the county holds a ruling that its records are none."""
    public_url: str = ""
    """Address under which departments' systems call, where a proxy stands before the service: it is what they sign.
    Empty: the address they call."""
