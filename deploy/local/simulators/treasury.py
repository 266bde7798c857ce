"""The treasury beside the tax bureau: posts what was collected, pays refunds back, prints its packages (TIPS).

Where each says what, the layouts stand in treasury_wire.py.

    POST /packages                                 takes a package of refunds (1104): 202 · 401 wrong trailer · 409
                                                   other bytes under the number · 422 totals, or what was arranged
    GET  /packages/{office}/{YYYYMMDD}/{pack_no}   its answer (9110) · 204 none yet · 404 no such package

    POST /control/treasury/postings {"items": [{pool, posted_on, voucher_no, amount_fen}]}    handed over by the agency
    GET  /control/treasury/3126?pool=&day=&paid_on=&part=&max_rows=&issue=&faults=
         what was posted on `day`: by voucher what the bureau collected on `paid_on`, and what was handed over; header
         X-Parts says how many parts there are. `issue` 2, 3…: the day sent again, under new numbers.
         faults: changed (the first is one yuan higher, the last is missing) · wrong_count · bad_trailer · cut_end
    GET  /control/treasury/3122?pool=&day=&faults= the day's check of vouchers
         faults: amount_differs · missing · failed (all of the first) · extra (a voucher that nobody paid under)
    GET  /control/treasury/3123?pool=&day=&faults= the check of refunds answered up to a day
         faults: amount_differs · missing · failed (all of the first) · extra (a refund that nobody asked for)
    POST /control/treasury/refunds {"outcome": "…", "count"}       what becomes of the next lines of packages
         settled (the default) · refused · other_amount
    POST /control/treasury/packages {"outcome": "…", "count"}      and of the next packages
         taken (the default) · held (no answer before /control/treasury/packages/release) · unknown (taken, 504) ·
         lost (not taken, 504) · refused (422) · refused_later (taken, and 9110 refuses the whole)
    GET  /control/treasury/packages                all packages with their lines
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from deploy.local import places

from . import treasury_wire as wire
from .tax_books import Books, yuan

POSTED_FAULTS = frozenset({"changed", "wrong_count", "bad_trailer", "cut_end"})
CHECK_FAULTS = frozenset({"amount_differs", "missing", "failed", "extra"})
LineOutcome = Literal["settled", "refused", "other_amount"]
PackageOutcome = Literal["taken", "held", "unknown", "lost", "refused", "refused_later"]
_RESULTS = {"settled": ("90000", ""), "refused": ("24003", "收款账户不存在"), "other_amount": ("90000", "")}


class Posting(BaseModel):
    """A sum that the agency handed over under a voucher."""

    pool: str
    posted_on: date
    voucher_no: str
    amount_fen: int


class Postings(BaseModel):
    """Sums that the agency handed over."""

    items: list[Posting]


class LineOrder(BaseModel):
    """What becomes of the next lines."""

    outcome: LineOutcome
    count: int = 1


class PackageOrder(BaseModel):
    """What becomes of the next packages."""

    outcome: PackageOutcome
    count: int = 1


@dataclass
class Package:
    """A package of refunds as the treasury keeps it."""

    office: str
    day: str
    pack_no: str
    message_id: str
    raw: str
    outcome: str
    lines: list[dict[str, str]] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    answer_id: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What names it."""
        return self.office, self.day, self.pack_no


class Treasury:
    """What was handed over, and the packages; kept in a file where a path is given, the last line counts."""

    def __init__(self, books: Books, path: Path | None) -> None:
        self._books, self._path = books, path
        self.postings: list[Posting] = []
        self.packages: dict[tuple[str, str, str], Package] = {}
        self.next_lines: list[LineOutcome] = []
        self.next_packages: list[PackageOutcome] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
            self._put(json.loads(line))

    def _put(self, kept: dict[str, Any]) -> None:
        if "posting" in kept:
            self.postings.append(Posting(**kept["posting"]))
        else:
            package = Package(**kept["package"])
            self.packages[package.key] = package

    def keep(self, kept: dict[str, Any]) -> None:
        """Put something in, and write it down."""
        self._put(kept)
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(kept, ensure_ascii=False) + "\n")

    def posted(self, pool: str, day: date, paid_on: date | None) -> list[tuple[str, int]]:
        """What is posted on a day, by voucher."""
        sums: dict[str, int] = defaultdict(int)
        for payment in self._books.payments.values():
            if payment.collected and payment.moment.date() == paid_on and payment.bill_no[:6] == pool:
                sums[payment.voucher_no] += payment.amount_fen
        for posting in self.postings:
            if posting.pool == pool and posting.posted_on == day:
                sums[posting.voucher_no] += posting.amount_fen
        return sorted(sums.items())

    def take(self, raw: bytes, head: dict[str, str], lines: list[dict[str, str]], message_id: str) -> str:
        """Take a package; what becomes of it."""
        outcome = self.next_packages.pop(0) if self.next_packages else "taken"
        if outcome in ("lost", "refused"):
            return outcome
        number = len(self.packages) + 1
        package = Package(
            office=head["TaxOrgCode"],
            day=head["EntrustDate"],
            pack_no=head["PackNo"],
            message_id=message_id,
            raw=raw.hex(),
            outcome=outcome,
            lines=lines,
            outcomes=[self.next_lines.pop(0) if self.next_lines else "settled" for _ in lines],
            answer_id=f"{head['EntrustDate']}9{number:011d}",
        )
        self.keep({"package": asdict(package)})
        return outcome

    def answer(self, package: Package) -> str:
        """9110 to a package."""
        ids = (package.answer_id, package.message_id)
        if package.outcome == "refused_later":
            return wire.refund_answer(package.day, package.pack_no, ("20001", "退库资料不全"), [], 0, ids)
        lines, total_fen = [], 0
        for line, outcome in zip(package.lines, package.outcomes, strict=True):
            fen = _fen(line["TraAmt"]) - (100 if outcome == "other_amount" else 0)
            total_fen += fen
            result, words = _RESULTS[outcome]
            lines.append(
                (
                    ("OriTraNo", line["TraNo"]),
                    ("TraAmt", yuan(fen)),
                    ("PaperTaxVouNo", ""),
                    ("ElectroTaxVouNo", line["OriTaxVouNo"]),
                    ("Result", result),
                    ("AddWord", words),
                )
            )
        return wire.refund_answer(package.day, package.pack_no, ("90000", "处理成功"), lines, total_fen, ids)

    def refund_check(self, office: str, day: str, faults: frozenset[str]) -> str:
        """3123 of a day, with all refunds of packages up to it."""
        rows: list[list[Any]] = [
            [package.day, package.pack_no, line["TraNo"], line["DrawBackVouNo"], _fen(line["TraAmt"]),
             "2" if outcome == "refused" else wire.SUCCESS_STATE]
            for package in sorted(self.packages.values(), key=lambda package: package.key)
            if package.office == office and package.day <= day and package.outcome != "refused_later"
            for line, outcome in zip(package.lines, package.outcomes, strict=True)
        ]  # fmt: skip
        if rows and "amount_differs" in faults:
            rows[0][4] = int(rows[0][4]) + 100
        if rows and "failed" in faults:
            rows[0][5] = "2"
        if rows and "missing" in faults:
            del rows[0]
        if "extra" in faults:
            rows.append([day, "99999999", "00000001", "99999999", 32000, wire.SUCCESS_STATE])
        lines = [
            (
                ("OriSendOrgCode", wire.AGENCY_NODE),
                ("OriEntrustDate", str(row[0])),
                ("OriPackNo", str(row[1])),
                ("OriTraNo", str(row[2])),
                ("DrawBackVouNo", str(row[3])),
                ("DrawBackAmt", yuan(int(row[4]))),
                ("OpStat", str(row[5])),
                ("AddWord", ""),
            )
            for row in rows
        ]
        number = f"{day}7{len(self.packages):07d}{len(faults):04d}"
        return wire.check("3123", "CompRetTrea3123", office, day, lines, sum(int(row[4]) for row in rows), number)


def router(books: Books, path: Path | None, keys: Path = places.KEYS) -> APIRouter:
    """The routes, on the bureau's books."""
    routes = APIRouter()
    treasury, key = Treasury(books, path), wire.key_of(keys)
    _add_front(routes, treasury, key)
    _add_control(routes, treasury)
    _add_prints(routes, treasury, key)
    return routes


def _add_front(routes: APIRouter, treasury: Treasury, key: bytes) -> None:
    @routes.post("/packages")
    async def take_package(request: Request) -> Response:
        raw = await request.body()
        root = wire.read(raw, key)
        if root is None:
            return JSONResponse({"code": "TRAILER_WRONG"}, 401)
        head = wire.texts(_found(root, "MSG/BatchHead1104"))
        lines = [wire.texts(line) for line in root.iterfind("MSG/RetTreasury1104")]
        known = treasury.packages.get((head["TaxOrgCode"], head["EntrustDate"], head["PackNo"]))
        if known:
            return JSONResponse({}, 202) if known.raw == raw.hex() else JSONResponse({"code": "NUMBER_REUSED"}, 409)
        if (int(head["AllNum"]), _fen(head["AllAmt"])) != (len(lines), sum(_fen(line["TraAmt"]) for line in lines)):
            return JSONResponse({"code": "TOTALS_DIFFER", "message": "AllNum/AllAmt"}, 422)
        outcome = treasury.take(raw, head, lines, wire.texts(_found(root, "HEAD"))["MsgID"])
        if outcome in ("unknown", "lost"):
            return JSONResponse({"code": "GATEWAY"}, 504)
        if outcome == "refused":
            return JSONResponse({"code": "OFFICE_CLOSED", "message": "该征收机关暂停退库"}, 422)
        return JSONResponse({}, 202)

    @routes.get("/packages/{office}/{day}/{pack_no}")
    async def read_answer(office: str, day: str, pack_no: str) -> Response:
        package = treasury.packages.get((office, day, pack_no))
        if package is None:
            return JSONResponse({"code": "PACKAGE_UNKNOWN"}, 404)
        if package.outcome == "held":
            return Response(status_code=204)
        return Response(wire.seal(treasury.answer(package), key), media_type="application/xml")


def _add_control(routes: APIRouter, treasury: Treasury) -> None:
    @routes.post("/control/treasury/postings")
    async def post(order: Postings) -> dict[str, int]:
        for posting in order.items:
            treasury.keep({"posting": posting.model_dump(mode="json")})
        return {"posted": len(treasury.postings)}

    @routes.post("/control/treasury/refunds")
    async def arrange_lines(order: LineOrder) -> dict[str, int]:
        treasury.next_lines += [order.outcome] * order.count
        return {"arranged": len(treasury.next_lines)}

    @routes.post("/control/treasury/packages")
    async def arrange_packages(order: PackageOrder) -> dict[str, int]:
        treasury.next_packages += [order.outcome] * order.count
        return {"arranged": len(treasury.next_packages)}

    @routes.post("/control/treasury/packages/release")
    async def release_packages() -> dict[str, int]:
        held = [package for package in treasury.packages.values() if package.outcome == "held"]
        for package in held:
            treasury.keep({"package": asdict(package) | {"outcome": "taken"}})
        return {"released": len(held)}

    @routes.get("/control/treasury/packages")
    async def list_packages() -> dict[str, list[dict[str, object]]]:
        return {"items": [asdict(package) for package in treasury.packages.values()]}


def _add_prints(routes: APIRouter, treasury: Treasury, key: bytes) -> None:
    @routes.get("/control/treasury/3126")
    async def print_posted(
        pool: str,
        day: date,
        paid_on: date | None = None,
        part: int = 1,
        max_rows: Annotated[int, Query(ge=1, le=1000)] = 1000,
        issue: int = 1,
        faults: str = "",
    ) -> Response:
        wanted = _faults(faults, POSTED_FAULTS)
        rows = treasury.posted(pool, day, paid_on)
        if "changed" in wanted and rows:
            rows = [(rows[0][0], rows[0][1] + 100), *rows[1:-1]]
        parts = max(1, -(-len(rows) // max_rows))
        if not 1 <= part <= parts:
            raise HTTPException(404, f"there are {parts} parts")
        told = len(rows) + ("wrong_count" in wanted)
        xml = wire.posted(
            wire.office_of(pool),
            wire.treasury_of(pool),
            f"{day:%Y%m%d}",
            f"{issue:08d}",
            (parts, part),
            told,
            rows[(part - 1) * max_rows : part * max_rows],
            f"{day:%Y%m%d}{pool}{issue:03d}{part:03d}",
        )
        sealed = wire.seal(xml, b"another key" if "bad_trailer" in wanted else key)
        return _file(sealed[: len(sealed) // 2] if "cut_end" in wanted else sealed, parts)

    @routes.get("/control/treasury/3122")
    async def print_check(pool: str, day: date, faults: str = "") -> Response:
        wanted, text = _faults(faults, CHECK_FAULTS), f"{day:%Y%m%d}"
        rows = treasury.posted(pool, day, day)
        if rows and "amount_differs" in wanted:
            rows[0] = (rows[0][0], rows[0][1] + 100)
        if rows and "missing" in wanted:
            del rows[0]
        if "extra" in wanted:
            rows.append(("999999999999999999", 32000))
        lines = [
            (
                ("PayeeOrgCode", wire.treasury_of(pool)),
                ("OriMsgNo", "1102"),
                ("OriSendOrgCode", wire.AGENCY_NODE),
                ("OriEntrustDate", text),
                ("OriPackNo", "00000001"),
                ("OriTraNo", f"{number:08d}"),
                ("OriTaxVouNo", voucher),
                ("TraAmt", yuan(fen)),
                ("TaxDate", text),
                ("OpStat", "2" if "failed" in wanted and number == 1 else wire.SUCCESS_STATE),
                ("AddWord", ""),
            )
            for number, (voucher, fen) in enumerate(rows, start=1)
        ]
        total_fen = sum(fen for _, fen in rows)
        office, number = wire.office_of(pool), f"{text}60000000{len(wanted):04d}"
        return _file(wire.seal(wire.check("3122", "CompDeduct3122", office, text, lines, total_fen, number), key), 1)

    @routes.get("/control/treasury/3123")
    async def print_refund_check(pool: str, day: date, faults: str = "") -> Response:
        wanted = _faults(faults, CHECK_FAULTS)
        return _file(wire.seal(treasury.refund_check(wire.office_of(pool), f"{day:%Y%m%d}", wanted), key), 1)


def _file(raw: bytes, parts: int) -> Response:
    return Response(raw, media_type="application/xml", headers={"X-Parts": str(parts)})


def _faults(given: str, known: frozenset[str]) -> frozenset[str]:
    wanted = frozenset(filter(None, given.split(",")))
    if wanted - known:
        raise HTTPException(422, f"faults: {', '.join(sorted(known))}")
    return wanted


def _found(root: Any, path: str) -> Any:
    found: Sequence[Any] = root.findall(path)
    if not found:
        raise HTTPException(422, f"{path} is missing")
    return found[0]


def _fen(text: str) -> int:
    return int(text.replace(".", ""))
