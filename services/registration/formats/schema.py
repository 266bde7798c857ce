"""The package language as a JSON Schema, so that editors complete and check a package while it is written.

It is generated from the models that check a package; `packages/package.schema.json` is its committed form, to which
the first line of every package points. What pydantic checks across fields is not in it.
"""

import json
from functools import cache
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.codes import Payer, Status

from ..rules.words import PAYERS, STATUSES
from .language import PackageFile
from .titles import EXAMPLES, TITLES

_REF = "#/$defs/"


class _Plain(GenerateJsonSchema):
    """Times as they are written: RFC 3339 would ask for an offset."""

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:  # noqa: ARG002 -- the form does not depend on it
        return {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", "examples": ["12:00"]}


@cache
def package_schema() -> dict[str, Any]:
    """The schema; every field has a title, a description in Chinese and an example."""
    schema = PackageFile.model_json_schema(by_alias=True, schema_generator=_Plain)
    definitions: dict[str, Any] = schema["$defs"]
    for name, model in {**definitions, "PackageFile": schema}.items():
        for field, inner in model.get("properties", {}).items():
            _describe(f"{name}.{field}", field, inner, definitions)
            if "patternProperties" in inner:
                inner["additionalProperties"] = False
    definitions["Status"]["enumDescriptions"] = [STATUSES[Status(code)].zh for code in definitions["Status"]["enum"]]
    definitions["Payer"]["enumDescriptions"] = [PAYERS[Payer(code)].zh for code in definitions["Payer"]["enum"]]
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "由政策包语言的模型生成（make openapi），请勿手工修改",
    }
    return {**head, **schema, "title": "医保参保政策包", "description": "一个统筹区、一个参保年度的政策"}


def schema_text() -> str:
    """The schema as it is committed: JSON with its line end."""
    return json.dumps(package_schema(), ensure_ascii=False, indent=2) + "\n"


def _describe(full_name: str, field: str, inner: dict[str, Any], definitions: dict[str, Any]) -> None:
    title, description = TITLES.get(full_name) or TITLES[field]
    stated = inner.get("description") if full_name not in TITLES else None
    inner["title"] = title
    inner["description"] = description if description and not stated else stated or title
    if "examples" not in inner:
        known = EXAMPLES.get(full_name, EXAMPLES.get(field))
        derived = _example(inner, definitions)
        fits = known is not None and (derived is None or isinstance(known, type(derived)))
        inner["examples"] = [known if fits else derived]


def _example(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """Something that fits: what the schema shows itself, or the least that it asks for."""
    if "$ref" in schema:
        return _example(definitions[schema["$ref"].removeprefix(_REF)], definitions)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return _example(choice, definitions)
    if schema.get("type") == "array":
        return [_example(schema["items"], definitions)] * max(1, schema.get("minItems", 1))
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: _example(fields[name], definitions) for name in schema.get("required", ())}
    if schema.get("format") == "date":
        return "2031-01-01"
    return {"boolean": True, "integer": max(1, schema.get("minimum", 1)), "string": "文本"}.get(schema.get("type", ""))
