"""Why an assessment says what it says: steps in order, each with its rules in the words of the notice."""

from datetime import date
from uuid import UUID

from pydantic import Field

from shared.codes import Payer, Status

from ..rules import Outcome, Subject
from .fields import EXAMPLE_ID, AnswerBody
from .preview import PreviewAnswer

_RULE = {
    "id": "S004-14",
    "quote": "低保对象按个人缴费标准的九成给予资助",
    "zh": "低保对象按九成资助",
    "en": "Dibao get nine tenths of the premium.",
}
_STEP = {
    "subject": "help",
    "outcome": "applied",
    "zh": "低保对象：医疗救助基金资助270元",
    "en": "Dibao recipient: the medical assistance fund pays CNY 270",
    "status": "dibao",
    "payer": "medical_assistance_fund",
    "amount_fen": 27000,
    "rules": [_RULE],
}


class QuotedRule(AnswerBody):
    """A rule with its sentence, as the package that assessed carries it."""

    id: str = Field(description="Id of the rule", examples=["S004-14"])
    quote: str | None = Field(
        description="The notice's own words; null where none are at hand", examples=[_RULE["quote"]]
    )
    zh: str | None = Field(
        description="What it asks for, in Chinese; null where the package does not say", examples=[_RULE["zh"]]
    )
    en: str | None = Field(
        description="What it asks for, in English; null where the package does not say", examples=[_RULE["en"]]
    )


class ExplanationStep(AnswerBody):
    """One step: what was asked, what came of it, and by which rules."""

    subject: Subject = Field(description="What the step is about", examples=["help"])
    outcome: Outcome = Field(
        description="`applied`, `not_applied`, or `refused` where it stands in the way", examples=["applied"]
    )
    zh: str = Field(description="The step in Chinese", examples=[_STEP["zh"]])
    en: str = Field(description="The step in English", examples=[_STEP["en"]])
    status: Status | None = Field(description="Status that it is about", examples=["dibao"])
    payer: Payer | None = Field(description="Who pays", examples=["medical_assistance_fund"])
    amount_fen: int | None = Field(
        description="Amount that it is about, fen: what is paid, what is due, or what a status alone would have given",
        examples=[27000],
    )
    rules: list[QuotedRule] = Field(description="The rules behind it", examples=[[_RULE]])


class ExplainedAnswer(PreviewAnswer):
    """The answer of the preview, and why."""

    explanation: list[ExplanationStep] = Field(
        description="Who may join, when, what is due, who helps and who does not, cover: in this order",
        examples=[[_STEP]],
    )


class AssessmentExplanation(AnswerBody):
    """Why an issued assessment says what it says, by the version of the package that made it."""

    assessment_id: UUID = Field(description="Identifier of the assessment", examples=[EXAMPLE_ID])
    scheme: str = Field(description="Scheme", examples=["example-2031"])
    package: str = Field(
        description="Version of the package by which it was made",
        examples=["sha256:4bf9739b7aa20c9f5f3ecbd25f8b8e00e0e724f6345fc75f1f690ac0b90f3b68"],
    )
    assessed_for: date = Field(description="Day for which it was judged", examples=["2030-09-01"])
    explanation: list[ExplanationStep] = Field(
        description="Who pays what and why not others, and the cover. What a person showed is not kept",
        examples=[[_STEP]],
    )
