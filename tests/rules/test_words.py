"""The words in which packages speak of damaged notices: restored ones, and of nothing that no notice says."""

import json
from typing import Any

import pytest

from tests.rules.cases import PACKAGES, ids, source

SCHEMES = sorted(path.stem for path in PACKAGES.glob("*.yaml"))
# Words that a machine put in the place of those of the field: readable in quotes alone (A003-1, A000-13).
DAMAGED = (
    *("股票基金", "股权投资基金", "带头企业", "义务企业", "以本人为企业", "以户为企业", "参保备案", "自治州", "派出所"),
    *("清算", "住户", "遮盖", "确保工资待遇", "指定定点", "指定管理方法", "poor post management", "full-time tuition"),
)
NEVER = (
    "child labor",
    "child labour",
    "童工",
)  # a mistranslation of 少年儿童 that no clerk must read, not even as a quote


def own_words(part: Any) -> Any:
    """A part of a package without the quotes, which are the notice's own words."""
    if isinstance(part, dict):
        return {key: own_words(value) for key, value in part.items() if key != "quote"}
    return [own_words(one) for one in part] if isinstance(part, list) else part


def words_in(part: Any) -> str:
    """All that a part says, in small letters."""
    return json.dumps(part, ensure_ascii=False, default=str).lower()


@pytest.mark.rule("A003-1", "A000-13")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_packages_speak_in_restored_words(scheme: str):
    assert [word for word in DAMAGED if word in words_in(own_words(source(scheme)))] == []
    assert [word for word in NEVER if word in words_in(source(scheme))] == []


@pytest.mark.rule("A003-8")
def test_every_sentence_of_the_notices_is_quoted_and_no_other():
    """What follows where document 003 breaks off is no rule."""
    quoted = [rule for scheme in SCHEMES for rule in source(scheme)["sentences"] if rule.startswith("S")]
    assert sorted(quoted) == sorted(ids()["rules"])
