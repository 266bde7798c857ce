"""What FastAPI alone reaches: a route that checks the token as the services do, and answers with next to nothing."""

from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic_settings import SettingsConfigDict

from shared import problem
from shared.service import ServiceSettings, verifier
from shared.tokens import Caller, needs

SCOPE = "payments:read"


class Settings(ServiceSettings):
    """Those that every service has; it uses the issuer's alone."""

    model_config = SettingsConfigDict(env_prefix="EMPTY_", extra="ignore")


def create_app() -> FastAPI:
    """An application with one authenticated route."""
    app = FastAPI()
    app.state.verifier = verifier(Settings(), {})
    problem.install(app)

    @app.get("/v1/empty")
    async def read_nothing(caller: Annotated[Caller, Depends(needs(SCOPE))]) -> dict[str, str]:
        return {"client_id": caller.client_id}

    @app.get("/readyz")
    async def read_ready() -> dict[str, str]:
        return {"status": "ok"}

    return app
