"""How a request finds its route, and the route its arguments: FastAPI's way, with a short one for plain requests.

The short way serves what is as it should be. Whatever is not (no token, a faulty body, another content type) goes the
long way from the beginning, so every refusal is FastAPI's, with every fault named, and stands in one place.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin
from uuid import UUID

from fastapi import APIRouter, FastAPI, HTTPException, Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.params import Depends
from fastapi.routing import APIRoute, request_response, serialize_response
from pydantic import AwareDatetime, BaseModel
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]
Dependency = TypeVar("Dependency", bound=Callable[..., Awaitable[Any]])

_JSON = ("application/json", "application/json; charset=utf-8")
_FILE = "application/octet-stream"
_SINGLE = (str, int, date, UUID, AwareDatetime, NoneType)
_of_request: set[Callable[..., Awaitable[Any]]] = set()
_for_document: set[Callable[..., Any] | None] = set()


def of_request(dependency: Dependency) -> Dependency:
    """Say that a dependency needs the request alone: what else its signature names is there for the document.

    It refuses what its signature refuses.
    """
    _of_request.add(dependency)
    return dependency


def for_document(dependency: Dependency) -> Dependency:
    """Say that a dependency of a whole route stands there for the document alone: the endpoint itself refuses."""
    _for_document.add(dependency)
    return dependency


def add_routes(app: FastAPI, parts: Iterable[APIRouter]) -> None:
    """The routes of the parts as one flat list, found by the beginning of their path.

    Not `include_router`, which would look for the route of every request anew, layer by layer.
    """
    for part in parts:
        for route in part.routes:
            if isinstance(route, APIRoute):
                route.operation_id = route.unique_id = route.name
                if type(route) is APIRoute:
                    route.app = _app_of(route)
            app.router.routes.append(route)
    app.router.middleware_stack = _Directory(app.router)


class _Directory:
    """Finds a route among the few that begin with the same two segments; the router answers where there is none."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        self._places: dict[str, list[APIRoute]] = {}
        for route in router.routes:
            if isinstance(route, APIRoute):
                self._places.setdefault(_place(route.path), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self._places.get(_place(scope["path"]), ()):
                match, found = route.matches(scope)
                if match is Match.FULL:
                    scope.update(found, router=self._router)
                    await route.handle(scope, receive, send)
                    return
        await self._router.app(scope, receive, send)


def _place(path: str) -> str:
    return "/".join(path.split("/", 3)[:3])


def _app_of(route: APIRoute) -> ASGIApp:
    """FastAPI's application of a route; a plain request is answered without the stacks that FastAPI keeps for
    dependencies with an end, and what its endpoint raises is answered by the layer around all routes."""
    careful, plan = route.get_route_handler(), _plan_of(route)
    if plan is None:
        return request_response(careful)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        arguments = await plan.arguments(request)
        if arguments is None:

            async def explained(_: Request) -> Response:
                return await careful(request)  # this one has the body, which comes only once

            await request_response(explained)(scope, receive, send)
            return
        response = await _answered(route, arguments)
        await response(scope, receive, send)

    return app


def plain_first(route: APIRoute, careful: Handler) -> Handler:
    """A handler that gives plain requests to the route's endpoint itself and all others to `careful`.

    `careful` itself where the endpoint takes something else than the request, dependencies `of_request`, single values
    of the path and the query and a body, or answers neither a response nor what a model describes.
    """
    plan = _plan_of(route)
    if plan is None:
        return careful

    async def handle(request: Request) -> Response:
        arguments = await plan.arguments(request)
        if arguments is None:
            return await careful(request)
        return await _answered(route, arguments)

    return handle


async def _answered(route: APIRoute, arguments: Mapping[str, Any]) -> Response:
    """What the endpoint answers, as the route's model has it, which FastAPI checks and writes."""
    answer = await route.endpoint(**arguments)
    if isinstance(answer, Response):
        return answer
    content = await serialize_response(
        field=route.response_field,
        response_content=answer,
        include=route.response_model_include,
        exclude=route.response_model_exclude,
        by_alias=route.response_model_by_alias,
        exclude_unset=route.response_model_exclude_unset,
        exclude_defaults=route.response_model_exclude_defaults,
        exclude_none=route.response_model_exclude_none,
        dump_json=True,
    )
    return Response(content, route.status_code or 200, media_type="application/json")


class _Single:
    """A parameter of the path or the query that holds one value; FastAPI's own field of it decides what is good."""

    def __init__(self, known: Any) -> None:
        self.name: str = known.name
        self._validate = known.validate
        self._required: bool = known.field_info.is_required()
        self._default = known.default

    def read(self, given: Mapping[str, Any]) -> Any:
        """The value given, of several the last, or else the default. Raises ValueError where FastAPI refuses."""
        said = given.get(self.name)
        if said is None:
            if self._required:
                raise ValueError
            return self._default
        value, faults = self._validate(said)
        if faults:
            raise ValueError
        return value


@dataclass
class _Plan:
    """What an endpoint takes, by the names of its parameters."""

    requests: list[str] = field(default_factory=list)
    asked: list[tuple[str, Callable[[Request], Awaitable[Any]]]] = field(default_factory=list)
    in_path: list[_Single] = field(default_factory=list)
    in_query: list[_Single] = field(default_factory=list)
    bodies: list[tuple[str, type[BaseModel]]] = field(default_factory=list)

    async def arguments(self, request: Request) -> dict[str, Any] | None:
        """The endpoint's arguments; None where the request is not plain."""
        kind = request.headers.get("content-type", "")
        if kind.startswith(_FILE) or (self.bodies and kind not in _JSON):
            return None  # a file, too: it is read once, as it comes, so what refuses it cannot be asked again
        try:
            said = await request.json() if self.bodies else None
            arguments: dict[str, Any] = dict.fromkeys(self.requests, request)
            for single in self.in_path:
                arguments[single.name] = single.read(request.path_params)
            for single in self.in_query:
                arguments[single.name] = single.read(request.query_params)
            for name, ask in self.asked:
                arguments[name] = await ask(request)
            for name, model in self.bodies:
                arguments[name] = model.model_validate(said)
        except HTTPException:
            raise  # a body beyond its limit, which cannot be read again
        except Exception:  # noqa: BLE001 -- what goes wrong here goes wrong again where it is explained
            return None
        return arguments


def _plan_of(route: APIRoute) -> _Plan | None:
    signature, plan = inspect.signature(route.endpoint), _Plan()
    modelled = route.response_field is not None and isinstance(route.response_class, DefaultPlaceholder)
    if not inspect.iscoroutinefunction(route.endpoint) or not (signature.return_annotation is Response or modelled):
        return None
    if any(each.dependency not in _for_document for each in route.dependencies):
        return None  # what stands beside the signature may refuse, too
    in_path = {known.name: known for known in route.dependant.path_params if _is_single(known)}
    in_query = {known.name: known for known in route.dependant.query_params if _is_single(known)}
    for name, parameter in signature.parameters.items():
        kind = parameter.annotation
        dependency = _dependency_of(kind)
        if kind is Request:
            plan.requests.append(name)
        elif dependency in _of_request:
            plan.asked.append((name, dependency))
        elif name in in_path:
            plan.in_path.append(_Single(in_path[name]))
        elif name in in_query:
            plan.in_query.append(_Single(in_query[name]))
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            plan.bodies.append((name, kind))
        else:
            return None
    return plan if len(plan.bodies) <= 1 else None


def _is_single(known: Any) -> bool:
    """Whether a field of FastAPI's is one plain value under its own name."""
    named = known.alias == known.name and known.validation_alias in (None, known.name)
    return named and not known.field_info.validate_default and _is_single_kind(known.field_info.annotation)


def _is_single_kind(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return all(_is_single_kind(each) for each in get_args(kind))
    return get_origin(kind) is Literal or (isinstance(kind, type) and issubclass(kind, _SINGLE))


def _dependency_of(kind: Any) -> Any:
    """What stands in `Annotated[…, Depends(dependency)]`, or None."""
    marks = [mark for mark in get_args(kind)[1:] if isinstance(mark, Depends)] if get_origin(kind) is Annotated else []
    return marks[0].dependency if len(marks) == 1 else None
