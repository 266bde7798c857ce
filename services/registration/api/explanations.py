"""Routes of explanations, and of the language that packages are written in."""

from typing import Any

import orjson
from fastapi import APIRouter, Response

from shared import tokens
from shared.pages import Pool
from shared.problem import declare

from .. import usecases
from ..schemas import problems
from ..schemas.explanation import AssessmentExplanation, ExplainedAnswer
from ..schemas.preview import PreviewRequest
from .parts import AssessmentId, Reading, Service

router = APIRouter(tags=["explanations"])

SCHEMA = "application/schema+json"


@router.post("/v1/assessments/explain", response_model=ExplainedAnswer, responses=declare(*tokens.DECLARED))
async def explain_assessment(service: Service, _caller: Reading, asked: PreviewRequest) -> Any:
    """The preview's answer, and what applied and what did not, rule by rule in the words of the notice."""
    return await usecases.explain_assessment(service, asked)


@router.get(
    "/v1/assessments/{assessment_id}/explanation",
    response_model=AssessmentExplanation,
    responses=declare(*tokens.DECLARED, problems.ASSESSMENT_UNKNOWN),
)
async def read_explanation(service: Service, caller: Reading, assessment_id: AssessmentId, pool: Pool) -> Any:
    """Why an issued assessment says what it says, by the very package that made it."""
    return await usecases.read_explanation(service, caller, pool, assessment_id)


@router.get(
    "/v1/package-language",
    response_class=Response,
    responses=declare(*tokens.DECLARED)
    | {200: {"description": "JSON Schema of package files", "content": {SCHEMA: {"schema": {"type": "object"}}}}},
)
async def read_package_language(_caller: Reading) -> Response:
    """The language of package files as a JSON Schema, so that editors complete and check what is written."""
    return Response(orjson.dumps(usecases.package_language()), media_type=SCHEMA)
