"""Rules that a package cites without saying what they are."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from ..language import PackageFile
from ..language.parts import Cited
from ..marks import Steps
from .finding import Finding


def uncited(file: PackageFile) -> Iterator[Finding]:
    """Cited rules without a sentence, each once, where it is cited first."""
    known = set(file.sentences)
    for steps, rule in _cited(file, ()):
        if rule not in known:
            known.add(rule)
            zh = f"引用了 {rule}，但 sentences 中没有该句，例：{rule}: {{quote: …, zh: …, en: …}}"
            en = f"{rule} is cited, but sentences does not have it, for example: {rule}: {{quote: …, zh: …, en: …}}"
            yield Finding(steps, "rule_without_sentence", zh, en)


def _cited(part: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(part, Cited):
        for number, rule in enumerate(part.rules):
            yield (*steps, "rules", number), rule
    if isinstance(part, BaseModel):
        for name, field in type(part).model_fields.items():
            yield from _cited(getattr(part, name), (*steps, field.alias or name))
    elif isinstance(part, tuple):
        for number, inner in enumerate(part):
            yield from _cited(inner, (*steps, number))
