"""The tax bureau takes assessments in batches (核定推送), keeps the good lines, and says of the bad ones why.

Signed by the agency like applications for refunds, 401 otherwise. The batch number names a batch, the line number a
line in it.

    POST /v1/batch/taxInfo/saveOrUpdate         {"cspch", "gryzmx", "insertGryzmxGrid", "deleteGryzmxGrid"}
    POST /v1/batch/taxInfoResults/query         {"cspch"} → {"returnCode": "0", "results": [{xh, dqjglxDm, errorMsg}]}

    POST /control/assessments {"outcome": "…", "count"}       what becomes of the next batches
         taken (the default) · at_once (results with the answer) · unknown (taken, 504) · lost (not taken, 504) ·
         code_999 (not taken, unknown) · missing_field (101, the first line is bad)
    POST /control/assessments/refuse {"bill_no", "reason"}     a bill that is refused until it is allowed again
    POST /control/assessments/allow {"bill_no"}
    GET  /control/assessments                                  what the bureau collects by now: bill → fen

Results are asked for; the first question finds them not ready (`dqjglxDm` 0). One result comes as an object, several as
an array, in turns inside `v`, as such systems do.
"""

import json
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

Outcome = Literal["taken", "at_once", "unknown", "lost", "code_999", "missing_field"]


class Arrangement(BaseModel):
    """What becomes of the next batches."""

    outcome: Outcome
    count: int = 1


class Bill(BaseModel):
    """A bill that the bureau refuses, or does not refuse any more."""

    bill_no: str
    reason: str = "参保人未登记"


class Assessments:
    """What the bureau was told."""

    def __init__(self) -> None:
        self.batches: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, int] = {}
        self.bills: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.next: list[Outcome] = []

    def take(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Take a batch; what becomes of each line. Taken before, it is the same."""
        kept = self.batches.get(data["cspch"])
        if kept is None:
            results = [self._line(line, "save") for line in data["insertGryzmxGrid"]]
            results += [self._line(line, "cancel") for line in data["deleteGryzmxGrid"]]
            kept = self.batches[data["cspch"]] = {"results": results, "said": data}
        found: list[dict[str, Any]] = kept["results"]
        return found

    def _line(self, line: dict[str, Any], kind: str) -> dict[str, Any]:
        reason = self.refused.get(line["sbYzXh"])
        if reason:
            return {"xh": line["xh"], "dqjglxDm": "2", "errorMsg": reason}
        if kind == "save":
            self.bills[line["sbYzXh"]] = line["yjje"]
        else:
            self.bills.pop(line["sbYzXh"], None)
        return {"xh": line["xh"], "dqjglxDm": "1", "errorMsg": ""}


def settings_of() -> str:
    """PAYMENTS_TAX_ASSESSMENTS: how payments tells this bureau of its bills."""
    return json.dumps({"agency": "1990101000"})


def router(is_signed: Callable[[Request, bytes], bool]) -> APIRouter:
    """The routes; `is_signed`: whether the agency has just signed a request."""
    routes, known = APIRouter(), Assessments()
    _add_bureau(routes, known, is_signed)
    _add_control(routes, known)
    return routes


def _add_bureau(routes: APIRouter, known: Assessments, is_signed: Callable[[Request, bytes], bool]) -> None:
    @routes.post("/v1/batch/taxInfo/saveOrUpdate")
    async def take_batch(request: Request) -> JSONResponse:
        body = await request.body()
        if not is_signed(request, body):
            return JSONResponse({"returnCode": "401"}, 401)
        data = json.loads(body)
        earlier = known.batches.get(data["cspch"])
        if earlier and earlier["said"] != data:
            return JSONResponse({"returnCode": "102", "returnMsg": "批次号重复"})
        outcome = "taken" if earlier or not known.next else known.next.pop(0)
        if outcome == "missing_field":
            first = (data["insertGryzmxGrid"] + data["deleteGryzmxGrid"])[0]
            return JSONResponse({"returnCode": "101", "returnMsg": "缺少必填项 dwbh", "fkxx": first})
        if outcome == "code_999":
            return JSONResponse({"returnCode": "999", "returnMsg": "未知错误"})
        if outcome == "lost":
            return JSONResponse({}, 504)
        results = known.take(data)
        if outcome == "unknown":
            return JSONResponse({}, 504)
        at_once = {"results": {"v": results}} if outcome == "at_once" else {}
        return JSONResponse({"returnCode": "0", "returnMsg": "成功", **at_once})

    @routes.post("/v1/batch/taxInfoResults/query")
    async def read_results(request: Request) -> JSONResponse:
        body = await request.body()
        if not is_signed(request, body):
            return JSONResponse({"returnCode": "401"}, 401)
        batch_no = json.loads(body)["cspch"]
        if batch_no not in known.batches:
            return JSONResponse({"returnCode": "404", "returnMsg": "无此批次"})
        known.asked[batch_no] = times = known.asked.get(batch_no, 0) + 1
        results = known.batches[batch_no]["results"]
        if times == 1:
            results = [{"xh": each["xh"], "dqjglxDm": "0", "errorMsg": ""} for each in results]
        shown: Any = results[0] if len(results) == 1 else results
        return JSONResponse({"returnCode": "0", "results": {"v": shown} if times % 2 == 0 else results})


def _add_control(routes: APIRouter, known: Assessments) -> None:
    @routes.post("/control/assessments")
    async def arrange(order: Arrangement) -> dict[str, int]:
        known.next += [order.outcome] * order.count
        return {"arranged": len(known.next)}

    @routes.post("/control/assessments/refuse")
    async def refuse(bill: Bill) -> dict[str, int]:
        known.refused[bill.bill_no] = bill.reason
        return {"refused": len(known.refused)}

    @routes.post("/control/assessments/allow")
    async def allow(bill: Bill) -> dict[str, int]:
        known.refused.pop(bill.bill_no, None)
        return {"refused": len(known.refused)}

    @routes.get("/control/assessments")
    async def list_assessments() -> dict[str, Any]:
        return {"bills": known.bills, "batches": sorted(known.batches)}
