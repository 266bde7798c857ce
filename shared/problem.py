"""Errors as RFC 9457 problem details: one code, one status, one sentence that says what to do, in Chinese or English.

    Problem (an exception that is its own answer)
    └─ made by calling a ProblemType: raise BILL_UNKNOWN(bill_no=bill_no)

A service declares its problem types in its `schemas` and names them on its routes with `declare`, so that every
refusal stands in the OpenAPI document.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from pydantic.json_schema import SkipJsonSchema, models_json_schema
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One fault of one field."""

    pointer: str = Field(
        description="JSON pointer into the body, `?name` for a query parameter, `header:name`, or `row:n`",
        examples=["/person/birth_date"],
    )
    code: str = Field(description="Stable code of the fault", examples=["missing"])
    detail: str = Field(description="What is wrong and what would be right", examples=["缺少必填项"])
    line: int | SkipJsonSchema[None] = Field(
        None, description="Line of a text file that was handed in, from 1; absent otherwise", examples=[12]
    )
    column: int | SkipJsonSchema[None] = Field(
        None, description="Column in that line, from 1; absent otherwise", examples=[5]
    )
    _english: str | None = PrivateAttr(None)

    @classmethod
    def in_file(
        cls, pointer: str, code: str, details: tuple[str, str], line: int | None, column: int | None
    ) -> "FieldError":
        """A fault of a text file; `details` in Chinese and in English."""
        made = cls(pointer=pointer, code=code, detail=details[0], line=line, column=column)
        made._english = details[1]
        return made

    def body(self, language: str) -> dict[str, Any]:
        """The JSON of the fault in `zh` or `en`."""
        english = {"detail": self._english} if language == "en" and self._english else {}
        return self.model_dump(exclude_none=True) | english


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: str = Field(description="URN of the problem type", examples=["urn:canbao:problem:bill_unknown"])
    title: str = Field(description="The problem type in a few words", examples=["应缴单不存在"])
    status: int = Field(description="HTTP status", examples=[404])
    detail: str = Field(
        description="What happened and what to do; Chinese, or English by Accept-Language",
        examples=["没有应缴单 990101ABC，请核对单号"],
    )
    code: str = Field(description="Stable code to program against", examples=["bill_unknown"])
    errors: list[FieldError] = Field(
        default=[],
        description="Every fault found, field by field",
        examples=[[{"pointer": "/pool", "code": "missing", "detail": "缺少必填项"}]],
    )
    rules: list[str] = Field(default=[], description="Ids of the notice's rules that led here", examples=[["S004-07"]])


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem: its code, its status and its texts. Details are format strings over the call's values.

    `challenge` says at 401 how the caller is to prove itself (WWW-Authenticate).
    """

    code: str
    status: int
    title: tuple[str, str]
    detail: tuple[str, str]
    challenge: str = "Bearer"

    def __call__(
        self, *, errors: Sequence[FieldError] = (), rules: Sequence[str] = (), retry_seconds: int = 0, **values: object
    ) -> "Problem":
        """The exception to raise; `retry_seconds` is its Retry-After, where waiting helps.

        Raises KeyError if the detail names a value that is not given.
        """
        texts = (self.detail[0].format_map(values), self.detail[1].format_map(values))
        return Problem(self, texts, list(errors), list(rules), retry_seconds)


@dataclass(eq=False)
class Problem(Exception):
    """A refusal on its way to the caller."""

    kind: ProblemType
    details: tuple[str, str]
    errors: list[FieldError] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    retry_seconds: int = 0

    def __str__(self) -> str:
        return f"{self.kind.code}: {self.details[1]}"

    def body(self, language: str) -> dict[str, Any]:
        """The JSON answer in `zh` or `en`."""
        which = 1 if language == "en" else 0
        return {
            "type": f"urn:canbao:problem:{self.kind.code}",
            "title": self.kind.title[which],
            "status": self.kind.status,
            "detail": self.details[which],
            "code": self.kind.code,
            "errors": [error.body(language) for error in self.errors],
            "rules": self.rules,
        }


VALIDATION_FAILED = ProblemType(
    "validation_failed",
    422,
    ("请求内容有误", "The request is malformed"),
    ("请求有 {count} 处错误，见 errors", "The request has {count} fault(s), see errors"),
)
NOT_FOUND = ProblemType(
    "not_found",
    404,
    ("地址不存在", "No such address"),
    ("没有这个地址：{path}", "There is nothing at {path}"),
)
HTTP_ERROR = ProblemType("http_error", 400, ("请求无法处理", "The request cannot be served"), ("{text}", "{text}"))
TOO_LARGE = ProblemType(
    "body_too_large",
    413,
    ("内容过大", "The body is too large"),
    ("内容超过 {limit_bytes} 字节，请分批提交", "The body exceeds {limit_bytes} bytes; send it in parts"),
)
ARCHIVED = ProblemType(
    "archived",
    410,
    ("已归档", "Archived"),
    (
        "该内容已随医保年度移入归档文件 {archive}，不在库中；需要时请系统管理员从归档中调回",
        "This was moved to the archive {archive} when its scheme-year was over; ask operations to bring it back",
    ),
)
INTERNAL = ProblemType(
    "internal_error",
    500,
    ("内部错误", "Internal error"),
    (
        "服务内部错误，请凭请求号 {request_id} 联系运维",
        "Something failed inside; quote request id {request_id}",
    ),
)
BUSY = ProblemType(
    "try_again",
    503,
    ("暂时繁忙", "Busy for the moment"),
    (
        "数据库暂时不可用，请稍后用同一个 Idempotency-Key 重试",
        "The database is not available just now; repeat with the same Idempotency-Key",
    ),
)


def declare(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of a route: each problem type under its status, with an example of each code.

    What every route may answer is added by `complete_document`.
    """
    found: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        _add(found, kind, kind.status)
    return found


def complete_document(document: dict[str, Any]) -> dict[str, Any]:
    """Put our problems into an OpenAPI document wherever any route may answer them, and FastAPI's own 422 out of it."""
    for operation in _operations(document):
        responses = operation["responses"]
        if "application/json" in responses.get("422", {}).get("content", {}):
            del responses["422"]
        if operation.get("parameters") or "requestBody" in operation:
            _add(responses, VALIDATION_FAILED, "422")
        if "security" in operation:
            _add(responses, INTERNAL, "500")
            _add(responses, BUSY, "503")
        operation["responses"] = dict(sorted(responses.items()))
    _, ours = models_json_schema([(ProblemBody, "serialization")], ref_template=_SCHEMAS + "{model}")
    schemas = document.setdefault("components", {}).get("schemas", {}) | ours["$defs"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def _add(responses: dict[Any, dict[str, Any]], kind: ProblemType, status: int | str) -> None:
    entry = responses.setdefault(
        status,
        {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS + "ProblemBody"}, "examples": {}}}},
    )
    examples = entry["content"][MEDIA_TYPE]["examples"]
    if kind.code in examples:
        return
    entry["description"] = "; ".join(filter(None, [entry["description"], f"{kind.code}: {kind.title[1]}"]))
    examples[kind.code] = {
        "value": {
            "type": f"urn:canbao:problem:{kind.code}",
            "title": kind.title[0],
            "status": kind.status,
            "detail": kind.detail[0],
            "code": kind.code,
            "errors": [],
            "rules": [],
        }
    }


_SCHEMAS = "#/components/schemas/"


def language_of(request: Request) -> str:
    """`en` where the caller prefers English, else `zh`."""
    return "en" if request.headers.get("accept-language", "").strip().lower().startswith("en") else "zh"


def problem_response(request: Request, problem: Problem) -> Response:
    """The answer to send."""
    headers = {"www-authenticate": problem.kind.challenge} if problem.kind.status == 401 else {}
    if problem.retry_seconds or problem.kind.status == 503:
        headers["retry-after"] = str(problem.retry_seconds or 1)
    return Response(orjson.dumps(problem.body(language_of(request))), problem.kind.status, headers, MEDIA_TYPE)


def validation_problem(faults: Sequence[Any], language: str = "zh") -> Problem:
    """Pydantic's faults as one problem with every fault named."""
    errors = [
        FieldError(pointer=_pointer(fault), code=fault["type"], detail=_explain(fault, language)) for fault in faults
    ]
    return VALIDATION_FAILED(errors=errors, count=len(errors))


def not_storable(language: str = "zh") -> Problem:
    """The problem of a value that the database cannot hold."""
    details = {
        "zh": "内容含有不可用的字符（U+0000），或数字、日期超出范围",
        "en": "The content has an unusable character (U+0000), or a number or date out of range",
    }
    return VALIDATION_FAILED(errors=[FieldError(pointer="", code="not_storable", detail=details[language])], count=1)


class BodyTooLarge(HTTPException):
    """A body beyond its limit, met while it is read. FastAPI lets no other exception through there."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(TOO_LARGE.status)
        self.limit_bytes = limit_bytes


def install(app: FastAPI) -> None:
    """Answer every failure of the application with a problem."""

    @app.exception_handler(Problem)
    async def _known(request: Request, problem: Problem) -> Response:
        return problem_response(request, problem)

    @app.exception_handler(RequestValidationError)
    async def _malformed(request: Request, error: RequestValidationError) -> Response:
        return problem_response(request, validation_problem(error.errors(), language_of(request)))

    @app.exception_handler(BodyTooLarge)
    async def _too_large(request: Request, error: BodyTooLarge) -> Response:
        return problem_response(request, TOO_LARGE(limit_bytes=error.limit_bytes))

    @app.exception_handler(HTTPException)
    async def _plain(request: Request, error: HTTPException) -> Response:
        if error.status_code == 404:
            return problem_response(request, NOT_FOUND(path=request.url.path))
        kind = ProblemType("http_error", error.status_code, HTTP_ERROR.title, HTTP_ERROR.detail)
        answer = problem_response(request, kind(text=str(error.detail)))
        answer.headers.update(error.headers or {})  # 405 must say what is allowed
        return answer


def _pointer(fault: Any) -> str:
    where, *rest = fault["loc"]
    if fault["type"] == "json_invalid":
        return ""  # what follows in `loc` is a place in the text, not in the document
    if where == "query":
        return f"?{rest[0]}" if rest else "?"
    if where in ("header", "path"):
        return f"{where}:{rest[0]}"
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)


_EXPLAINED = {
    "missing": "缺少必填项",
    "extra_forbidden": "未知字段，请删除",
    "json_invalid": "不是有效的 JSON",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "string_type": "应为文本",
    "string_too_short": "文本过短",
    "string_too_long": "文本过长",
    "string_pattern_mismatch": "格式不符",
    "string_unicode": "文本含有不可用的字符",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "list_type": "应为列表",
    "too_short": "项数过少",
    "too_long": "项数过多",
    "greater_than": "数值过小",
    "greater_than_equal": "数值过小",
    "less_than": "数值过大",
    "less_than_equal": "数值过大",
    "literal_error": "不在可选值之内",
    "enum": "不在可选值之内",
    "model_type": "应为对象",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
    "date_from_datetime_parsing": "应为日期 YYYY-MM-DD",
    "date_from_datetime_inexact": "应为日期 YYYY-MM-DD",
    "date_parsing": "应为日期 YYYY-MM-DD",
    "date_type": "应为日期 YYYY-MM-DD",
    "datetime_from_date_parsing": "应为时间，例如 2021-12-20T09:00:00+08:00",
    "datetime_parsing": "应为时间，例如 2021-12-20T09:00:00+08:00",
    "datetime_type": "应为时间，例如 2021-12-20T09:00:00+08:00",
    "timezone_aware": "时间应带时区，例如 2021-12-20T09:00:00+08:00",
    "year_out_of_range": "年份过早或过晚",
    "grade_missing": "disabled 须给出残疾等级（1 至 4）",
    "uuid_parsing": "应为 UUID",
    "uuid_type": "应为 UUID",
    "value_error": "内容有误",
}


def _explain(fault: Any, language: str) -> str:
    plain = _EXPLAINED.get(fault["type"])
    return f"{plain}（{fault['msg']}）" if plain and language == "zh" else str(fault["msg"])
