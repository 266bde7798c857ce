"""The short way of a plain request gives what FastAPI's own way gives, and everything else goes that one."""

import json
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import ResponseValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field

from shared import problem
from shared.routing import add_routes, of_request, plain_first

UUID_TEXT = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"
GOOD: dict[str, Any] = {"shift_id": UUID_TEXT, "amount_fen": 32000, "items": [{"bill_no": "B1"}]}
QUERY = {"pool": "990101", "state": "open", "person_id": UUID_TEXT, "limit": "5", "explain": "true", "on": "2031-02-28"}
MISSING = problem.ProblemType("name_missing", 400, ("缺少", "missing"), ("缺少名称", "say a name"))


class Item(BaseModel):
    """A part of a body."""

    bill_no: str = Field(max_length=5)


class Body(BaseModel):
    """A body."""

    shift_id: UUID
    amount_fen: int = Field(gt=0, strict=True)
    items: list[Item]


@of_request
async def named(request: Request, _shown: Annotated[str | None, Header(alias="Name", max_length=9)] = None) -> str:
    """Who calls."""
    if not (name := request.headers.get("name")) or len(name) > 9:
        raise MISSING()
    return name


async def take(request: Request, name: Annotated[str, Depends(named)], body: Body) -> Response:
    """A route."""
    return JSONResponse({"name": name, "path": request.url.path, "body": body.model_dump(mode="json")}, 201)


class Shown(BaseModel):
    """What a question was understood as."""

    name: str
    thing_id: UUID
    pool: str = Field(max_length=6)
    state: Literal["open", "paid"] | None
    person_id: UUID | None
    limit: int
    explain: bool
    on: date | None
    at: datetime | None
    after: str
    more: str = "by default"


async def show(
    name: Annotated[str, Depends(named)],
    thing_id: UUID,
    pool: Annotated[str, Query(pattern="^[0-9]+$")],
    state: Annotated[Literal["open", "paid"] | None, Query()] = None,
    person_id: Annotated[UUID | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    explain: Annotated[bool, Query()] = True,
    on: Annotated[date | None, Query()] = None,
    at: Annotated[AwareDatetime | None, Query()] = None,
    after: Annotated[str, Query(max_length=9)] = "",
) -> Any:
    """A route that is asked by path and query, and answers what a model checks."""
    said = {"state": state, "person_id": person_id, "limit": limit, "explain": explain, "on": on, "at": at}
    return {"name": name, "thing_id": thing_id, "pool": pool, "after": after, "hidden": 1, **said}


async def take_modelled(name: Annotated[str, Depends(named)], body: Body, limit: int = 3) -> Any:
    """A route with a body and a query."""
    return {"name": name, "items": body.items, "limit": limit}


@of_request
async def uploaded(request: Request) -> int:
    """The bytes of a file that is read once, as it comes."""
    if not (size := sum([len(piece) async for piece in request.stream()])):
        raise MISSING()
    return size


async def upload(size: Annotated[int, Depends(uploaded)], pool: str) -> Response:
    """A route that takes a file."""
    return JSONResponse({"pool": pool, "size": size})


class Taken(BaseModel):
    """What that route answers."""

    name: str
    items: list[Item]
    limit: int


def app(*, short: bool) -> httpx.AsyncClient:
    """An application with that route, as services have it or as FastAPI alone would."""
    made, router = FastAPI(), APIRouter()
    problem.install(made)
    router.add_api_route("/v1/things", take, methods=["POST"], status_code=201)
    router.add_api_route("/v1/things/{thing_id}", show, methods=["GET"], response_model=Shown)
    router.add_api_route("/v1/takings", take_modelled, methods=["POST"], response_model=Taken, status_code=202)
    router.add_api_route("/v1/files", upload, methods=["POST"])
    if short:
        add_routes(made, [router])
    else:
        made.router.routes.extend(router.routes)
    return httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://t")


SHORT, LONG = app(short=True), app(short=False)


async def both(
    content: bytes, headers: dict[str, str], path: str = "/v1/things", method: str = "POST"
) -> httpx.Response:
    """The answer of the short way, which must be that of the long one."""
    one, other = [await client.request(method, path, content=content, headers=headers) for client in (SHORT, LONG)]
    assert (one.status_code, one.headers.multi_items(), one.content) == (
        other.status_code, other.headers.multi_items(), other.content,
    )  # fmt: skip
    return one


async def asked_both(query: str, thing_id: str = UUID_TEXT, name: str = "wang") -> httpx.Response:
    """The answer to a question, both ways."""
    return await both(b"", {"Name": name}, f"/v1/things/{thing_id}?{query}", "GET")


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (json.dumps(GOOD), {}, 201),
        (json.dumps(GOOD), {"Content-Type": "application/json; charset=utf-8"}, 201),
        (json.dumps(GOOD), {"Content-Type": "application/vnd.x+json"}, 201),
        (json.dumps(GOOD), {"Content-Type": "text/plain"}, 422),
        (json.dumps(GOOD), {"Name": ""}, 400),
        (json.dumps(GOOD), {"Name": "n" * 10}, 422),
        (json.dumps(GOOD | {"amount_fen": 1.0}), {}, 422),
        (json.dumps(GOOD | {"amount_fen": True, "items": [{}, {"bill_no": "123456"}]}), {}, 422),
        (json.dumps({}), {}, 422),
        (json.dumps({}), {"Name": ""}, 400),
        ("", {}, 422),
        ("[", {"Name": ""}, 422),
        ("[]", {}, 422),
        ('{"a": NaN}', {}, 422),
        (b"\xff\xfe", {}, 422),
    ],
)
async def test_both_ways_answer_the_same(content: str | bytes, headers: dict[str, str], status: int) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    answer = await both(raw, {"Name": "wang", "Content-Type": "application/json"} | headers)
    assert answer.status_code == status, answer.text


@given(
    st.dictionaries(
        st.sampled_from(["shift_id", "amount_fen", "items", "more"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("bill_no"), inner, max_size=1),
            max_leaves=4,
        ),
    )
)
async def test_whatever_a_body_says_both_ways_answer_the_same(change: dict[str, Any]) -> None:
    await both(json.dumps(GOOD | change).encode(), {"Name": "a", "Content-Type": "application/json"})


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (urlencode(QUERY), 200),
        ("pool=990101", 200),
        ("pool=990101&at=2031-02-28T10:00:00%2B08:00&after=%E5%8D%81", 200),
        ("pool=990101&unknown=1&POOL=x", 200),
        ("pool=1&pool=2", 200),
        ("pool=x&pool=2", 200),
        ("pool=2&pool=x", 422),
        ("pool=1&limit=5&limit=0", 422),
        ("", 422),
        ("pool", 422),
        ("pool=", 422),
        ("pool=1&state=", 422),
        ("pool=1&person_id=", 422),
        ("pool=1&state=OPEN&limit=1001&explain=maybe&on=2031-02-30&at=2031-02-28T10:00:00&person_id=1", 422),
        ("pool=1&after=1234567890", 422),
        ("pool=%FF", 422),
        ("pool=1;limit=2", 422),
        ("pool=1&&limit=+7", 200),
        ("pool=1&limit=5.0&explain=1&on=0", 200),
    ],
)
async def test_both_ways_understand_a_query_the_same(query: str, status: int) -> None:
    answer = await asked_both(query)
    assert answer.status_code == status, answer.text


async def test_a_question_is_answered_with_what_it_says_and_the_models_defaults() -> None:
    said = (await asked_both("pool=1&limit=7&limit=8&state=paid")).json()
    assert (said["limit"], said["state"], said["explain"], said["more"]) == (8, "paid", True, "by default")
    assert "hidden" not in said


@pytest.mark.parametrize(("thing_id", "name", "status"), [("1", "", 400), ("1", "n", 422), ("%00", "n" * 10, 422)])
async def test_both_ways_refuse_a_path_the_same(thing_id: str, name: str, status: int) -> None:
    assert (await asked_both("pool=x", thing_id, name)).status_code == status


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*QUERY, "at", "after", "Pool", "more"]),
            st.sampled_from([*QUERY.values(), "2031-02-28T10:00:00Z", "1", "0", "no", ""]) | st.text(max_size=8),
        ),
        max_size=8,
    ),
    st.sampled_from([UUID_TEXT, UUID_TEXT.upper()]) | st.text(min_size=1, max_size=5).map(partial(quote, safe="")),
)
async def test_whatever_a_query_says_both_ways_answer_the_same(pairs: list[tuple[str, str]], thing_id: str) -> None:
    await asked_both(urlencode(pairs, errors="replace"), thing_id)


async def test_an_answer_its_model_refuses_is_nobodys_fault_but_ours_both_ways() -> None:
    for client in (SHORT, LONG):
        with pytest.raises(ResponseValidationError):
            await client.get(f"/v1/things/{UUID_TEXT}?pool=1234567", headers={"Name": "wang"})


@pytest.mark.parametrize(("query", "status"), [("", 202), ("?limit=9", 202), ("?limit=x", 422)])
async def test_a_body_and_a_query_are_understood_together(query: str, status: int) -> None:
    headers = {"Name": "wang", "Content-Type": "application/json"}
    for content in (json.dumps(GOOD).encode(), b"{}"):
        answer = await both(content, headers, f"/v1/takings{query}")
        assert answer.status_code == (status if content != b"{}" else 422)


@pytest.mark.parametrize(
    ("content", "query", "status"), [(b"abc", "?pool=1", 200), (b"", "?pool=1", 400), (b"abc", "", 422)]
)
async def test_a_file_is_taken_and_refused_the_same(content: bytes, query: str, status: int) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    assert (await both(content, headers, f"/v1/files{query}")).status_code == status


def test_what_takes_or_answers_something_else_goes_fastapis_way() -> None:
    async def careful(_request: Request) -> Response:
        raise AssertionError

    async def many(kinds: Annotated[list[str], Query()]) -> Response:
        return Response()

    async def renamed(kind: Annotated[str, Query(alias="sort")]) -> Response:
        return Response()

    async def by_header(kind: Annotated[str, Header()]) -> Response:
        return Response()

    async def sets_a_header(response: Response) -> Response:
        return Response()

    def in_a_thread(request: Request) -> Response:
        return Response()

    async def by_unmarked(thing: Annotated[str, Depends(careful)]) -> Response:
        return Response()

    async def two_bodies(one: Body, other: Body) -> Response:
        return Response()

    async def a_dict(body: Body) -> Any:
        return {}

    others = (many, renamed, by_header, sets_a_header, in_a_thread, by_unmarked, two_bodies, a_dict)
    for endpoint in others:
        route = APIRoute("/v1/things", endpoint, methods=["POST"], response_model=None)
        assert plain_first(route, careful) is careful, endpoint.__name__


async def test_what_stands_beside_the_signature_refuses_as_well() -> None:
    async def nobody() -> None:
        raise MISSING()

    async def take_all() -> Response:
        return Response()

    made, of_route, of_router = FastAPI(), APIRouter(), APIRouter(dependencies=[Depends(nobody)])
    problem.install(made)
    of_route.add_api_route("/v1/one", take_all, methods=["POST"], dependencies=[Depends(nobody)])
    of_router.add_api_route("/v1/two", take_all, methods=["POST"])
    add_routes(made, [of_route, of_router])
    client = httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://t")
    assert [(await client.post(path)).status_code for path in ("/v1/one", "/v1/two")] == [400, 400]


async def test_what_no_route_begins_with_and_wrong_methods_are_answered_as_ever() -> None:
    for client in (SHORT, LONG):
        assert (await client.get("/v1/nothing")).status_code == 404
        wrong = await client.get("/v1/things")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
        assert (await client.post("/v1/things/")).status_code == 307
