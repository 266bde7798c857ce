"""`services/payments/docs/going-live.md` names every setting of payments, and its examples are settings."""

import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo

from deploy.local import places
from deploy.local.drawings import pages_of
from services.payments.settings import Settings

PAGE = (places.ROOT / "services" / "payments" / "docs" / "going-live.md").read_text(encoding="utf-8")
PREFIX = Settings.model_config["env_prefix"]
BY_VARIABLE = {f"{PREFIX}{name.upper()}": field for name, field in Settings.model_fields.items()}
EXAMPLES = dict(re.findall(r"<!-- value: (\w+) -->\n```json\n(.*?)```\n", PAGE, re.DOTALL))
_TABLE = re.compile(r"<!-- fields: ([\w ]+) -->\n\|.*\n\|[-|]+\n((?:\|.*\n)+)")


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The settings classes in an annotation: itself, one of several, or the values of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        if part is not NoneType:
            yield from models_in(part)


def leaves(model: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field that holds a value, by the way to it; the keys of mappings are left out of it."""
    for name, field in model.model_fields.items():
        below = list(models_in(field.annotation))
        for inner in below:
            yield from leaves(inner, f"{before}{name}.")
        if not below:
            yield f"{before}{name}", field


def rows() -> Iterator[tuple[str, str, str]]:
    """Variable, way to the field and what stands as its default, for each field that a table names."""
    for marked, table in _TABLE.findall(PAGE):
        variable, _, inside = marked.partition(" ")
        for row in table.splitlines():
            first, _, default, *_ = re.split(r"(?<!\\)\|", row.strip("|"))
            for name in re.findall(r"`([\w.]+)`", first):
                yield variable, f"{inside}.{name}" if inside else name, default


def shaped() -> Mapping[str, Mapping[str, FieldInfo]]:
    """The variables that are JSON with fields of their own, and those fields."""
    found = {}
    for variable, field in BY_VARIABLE.items():
        for model in models_in(field.annotation):
            found[variable] = dict(leaves(model))
    return found


def test_every_variable_has_its_row() -> None:
    rows_of_variables = re.findall(r"^\| (`PAYMENTS_[^|]*) \|", PAGE, re.MULTILINE)
    named = {name for first in rows_of_variables for name in re.findall(r"`(\w+)`", first) if name.startswith(PREFIX)}
    assert named == set(BY_VARIABLE)


@pytest.mark.parametrize("variable", shaped())
def test_every_field_of_a_variable_has_one_row_and_no_row_is_of_another_time(variable: str) -> None:
    named = [name for about, name, _ in rows() if about == variable]
    assert sorted(named) == sorted(shaped()[variable])


def test_required_is_what_has_no_default() -> None:
    for variable, name, default in rows():
        assert ("**required**" in default) == shaped()[variable][name].is_required(), (variable, name)


def test_single_defaults_are_those_of_the_settings() -> None:
    for variable, name, told in rows():
        default = shaped()[variable][name].default
        if type(default) in (bool, int, float) or (isinstance(default, str) and default.isalnum()):
            assert str(default).lower().removesuffix(".0") in told.lower(), (variable, name)


@pytest.mark.parametrize("variable", EXAMPLES)
def test_an_example_is_a_value_of_its_setting(variable: str) -> None:
    shape: Any = BY_VARIABLE[variable].annotation
    TypeAdapter(shape).validate_json(EXAMPLES[variable])


def test_all_examples_together_start_payments(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the environment, as a county does; each variable that has a shape has an example, and no example a secret."""
    assert PAGE.count("```json") == len(EXAMPLES)
    assert set(shaped()) <= set(EXAMPLES)
    for variable, value in EXAMPLES.items():
        monkeypatch.setenv(variable, value)
        assert "PRIVATE KEY" not in value
    settings = Settings()
    assert settings.wechat is not None
    assert settings.wechat.private_key.startswith("file:/run/secrets/")
    assert settings.banks["RCB990101"].withholding is not None


def test_links_between_the_readme_and_its_pages_lead_somewhere() -> None:
    headings = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    for page in pages_of("payments"):
        for target, anchor in re.findall(r"\]\(([^)#\s]+)#?([\w-]*)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), (page.name, target)
            assert not anchor or target != "going-live.md" or anchor in anchors, (page.name, anchor)
