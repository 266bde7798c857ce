"""The sentences of the notice, so that a package says by itself what its rule ids stand for."""

from pydantic import Field

from .parts import Part


class Sentence(Part):
    """One sentence of the notice: its own words where they are at hand, what it asks for in Chinese and in English."""

    quote: str | None = Field(
        None, min_length=1, max_length=1000, description="原文，照录（机器译文亦照录）；无原文可引则不填"
    )
    zh: str = Field(min_length=1, max_length=400, description="该条要求什么（中文）")
    en: str = Field(min_length=1, max_length=400, description="该条要求什么（英文）")
