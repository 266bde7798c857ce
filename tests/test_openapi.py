"""What each service says about itself: complete, readable, and what is committed is what it does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.openapi import document, path_of
from tests.suite import ORDER, ROOT

# A verb that is missing here is added on purpose.
VERBS = (
    "apply|approve|build|cancel|check|close|confirm|create|decide|dispute|draft|end|enrol|explain|export|give|hand|"
    "issue|list|look|make|open|pay|preview|propose|publish|query|read|reassess|receive|reconcile|record|register|"
    "reject|release|request|resolve|return|revoke|send|start|submit|summarise|take|undo|uphold|validate|verify|void|"
    "withdraw"
)
FREE = {"payments": {"GET /v1/receipts/verify"}}
"""What everybody may ask, by service: a receipt is checked by everybody who holds one."""
PROBLEM = {"$ref": "#/components/schemas/ProblemBody"}
JSON, PROBLEM_JSON, FILE = "application/json", "application/problem+json", "application/octet-stream"
SCHEMA = "application/schema+json"

Document = dict[str, Any]


@pytest.fixture(scope="module", params=[name for name in ORDER if (ROOT / "services" / name / "app.py").exists()])
def service(request: pytest.FixtureRequest) -> str:
    """Each service."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def described(service: str) -> Document:
    """The service's document."""
    found: Document = json.loads(document(service))
    return found


def operations(described: Document) -> Iterator[tuple[str, Document]]:
    """Every operation, named `GET /v1/bills`."""
    for path, item in described["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def properties(described: Document) -> Iterator[tuple[str, str, Document]]:
    """Every property of every schema: where it stands, its name, its schema."""
    for name, schema in described["components"]["schemas"].items():
        for field, inner in schema.get("properties", {}).items():
            yield f"{name}.{field}", field, inner


def schemas_in(node: Any) -> Iterator[Document]:
    """A JSON tree's objects, at any depth."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from schemas_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from schemas_in(inner)


def test_what_is_committed_is_what_the_service_does(service: str) -> None:
    path = path_of(service)
    assert path.exists(), f"{path.name} of {service} is missing: run `make openapi`"
    same = path.read_text(encoding="utf-8") == document(service)
    assert same, f"services/{service}/openapi.json is not up to date: run `make openapi`"


def test_it_is_openapi_3_1_and_hangs_together(described: Document) -> None:
    assert described["openapi"].startswith("3.1.")
    assert described["info"]["title"]
    for node in schemas_in(described):
        if isinstance(ref := node.get("$ref"), str):
            assert ref.removeprefix("#/components/schemas/") in described["components"]["schemas"]
    assert all(re.match(r"/v1/|/healthz$|/readyz$", path) for path in described["paths"])


def test_no_two_schemas_have_one_name(described: Document) -> None:
    # Where two classes share a name, the document shows our modules, and generators make one of two enums.
    assert [name for name in described["components"]["schemas"] if "__" in name] == []


def test_operations_have_readable_ids_and_a_sentence(described: Document) -> None:
    ids = [operation["operationId"] for _, operation in operations(described)]
    assert len(set(ids)) == len(ids)
    verb_noun = re.compile(rf"({VERBS})(_[a-z0-9]+)+")
    assert [one for one in ids if not verb_noun.fullmatch(one)] == []
    silent = [name for name, operation in operations(described) if not operation.get("description")]
    assert silent == []


def test_every_verb_is_in_use() -> None:
    everything = [json.loads(path_of(service).read_text(encoding="utf-8")) for service in ORDER]
    ids = [operation["operationId"] for one in everything for _, operation in operations(one)]
    assert set(VERBS.split("|")) == {one.partition("_")[0] for one in ids}


def test_every_field_says_what_it_means_and_shows_an_example(described: Document) -> None:
    mute = [
        where for where, _, schema in properties(described) if not schema.get("description") or "examples" not in schema
    ]
    assert mute == []


def test_every_parameter_says_what_it_means_and_shows_an_example(described: Document) -> None:
    mute = [
        f"{name} {parameter['in']}:{parameter['name']}"
        for name, operation in operations(described)
        for parameter in operation.get("parameters", [])
        if not parameter.get("description") or not {"examples", "example"} & {*parameter, *parameter["schema"]}
    ]
    assert mute == []


def test_every_refusal_is_declared_as_our_problem(described: Document) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(described["components"]["schemas"])
    for name, operation in operations(described):
        responses = operation["responses"]
        wanted = {"401", "403", "500", "503"} if "security" in operation else set()
        if operation.get("parameters") or "requestBody" in operation:
            wanted |= {"422"}
        assert wanted <= set(responses), name
        assert any(status.startswith("2") for status in responses), name
        for status, response in responses.items():
            if status >= "400":
                assert list(response["content"]) == [PROBLEM_JSON], (name, status)
                problem = response["content"][PROBLEM_JSON]
                assert problem["schema"] == PROBLEM, (name, status)
                for code, example in problem["examples"].items():
                    assert code in response["description"], (name, status)
                    assert (example["value"]["code"], str(example["value"]["status"])) == (code, status), name


def test_everything_but_health_needs_a_token(service: str, described: Document) -> None:
    """Routes of a channel authenticate otherwise: the tax bureau's by signature, others stay out of the document. So do
    the systems of departments that hand lists over."""
    assert list(described["components"]["securitySchemes"]) == ["HTTPBearer"]
    free = {name for name, operation in operations(described) if "security" not in operation}
    headers = {"Content-Digest", "Signature", "Signature-Input"}
    signed = {
        name
        for name, operation in operations(described)
        if headers <= {one["name"] for one in operation.get("parameters", [])}
    }
    assert free == {"GET /healthz", "GET /readyz"} | signed | FREE.get(service, set())
    assert all(name.startswith(("POST /v1/channels/tax/", "POST /v1/feeds/signed")) for name in signed)


def test_what_creates_takes_an_idempotency_key_and_says_what_comes_without(described: Document) -> None:
    for name, operation in operations(described):
        headers = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
        if "201" in operation["responses"]:
            assert headers.keys() & {"Idempotency-Key", "Signature"}, name  # the nonce of a signature is such a key
        if "Idempotency-Key" in headers:
            assert {"400", "409", "422"} <= set(operation["responses"]), name
        if "If-Match" in headers:
            assert {"412", "428"} <= set(operation["responses"]), name
        for header in {"Idempotency-Key", "If-Match"} & set(headers):
            assert headers[header]["required"] is True, name
            assert headers[header]["schema"]["type"] == "string", name


def test_bodies_are_json_or_files(described: Document) -> None:
    for name, operation in operations(described):
        bodies = [operation.get("requestBody", {"content": {}})]
        bodies += [response for status, response in operation["responses"].items() if status < "300"]
        for body in bodies:
            for media_type, content in body["content"].items():
                assert media_type in (JSON, FILE, SCHEMA), name
                if media_type == FILE:
                    assert content["schema"] == {"type": "string", "format": "binary"}, name
                else:
                    assert content["schema"], f"{name} answers something that it does not describe"


def test_amounts_are_integers_of_fen(described: Document) -> None:
    for where, field, schema in properties(described):
        kinds = {part.get("type") for part in schema.get("anyOf", [schema])} - {"null"}
        if field.endswith("_fen"):
            by_name = [inner.get("type") for inner in schemas_in(schema) if "type" in inner and inner is not schema]
            assert kinds == {"integer"} or (kinds == {"object"} and set(by_name) == {"integer"}), where
        else:
            assert not re.search(r"amount|fen(_|$)|price|premium|balance", field), f"{where} is money, but not _fen"
        assert "number" not in kinds, f"{where} is a float"
