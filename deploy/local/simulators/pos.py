"""The card terminals of the counters and the acquirer behind them: slips, voids, refunds, settlement, the day's file.

No terminal speaks to payments: a clerk types in what a slip says, and the acquirer's file is brought the next day. So
all routes are what people do at a terminal, and what goes wrong:

    POST /control/sales    {"terminal_no", "amount_fen", "at"?}                          a slip
    POST /control/voids    {"terminal_no", "batch_no", "trace_no", "at"?}                409 once the batch is settled
    POST /control/refunds  {"terminal_no", "batch_no", "trace_no", "amount_fen", "at"?}  0220, to the card of a sale
    POST /control/settle   {"terminal_no"}                                               0500: a new batch begins
    GET  /control/statement?day=&faults=   the acquirer's file of a day, see `Books.day_file` for the faults

Business time is the suite's. Books are kept in a file.
"""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, Field

from deploy.local.clock import suite_clock
from shared.clock import Clock

SHOP = "898990101000001"
SHANGHAI = timezone(timedelta(hours=8))
STATEMENT_FAULTS = frozenset(
    {"missing", "duplicate", "strange", "wrong_amount", "wrong_totals", "untold_void", "broken_line", "cut"}
)
_HEADINGS = "终端号,商户号,批次号,凭证号,原批次号,原凭证号,参考号,交易时间,金额(元),交易类型"
_WORDS = {"sale": "消费", "void": "消费撤销", "refund": "退货"}


class Sale(BaseModel):
    """A card is charged."""

    terminal_no: str = Field(pattern=r"^[0-9A-Za-z]{8}$")
    amount_fen: int = Field(strict=True, gt=0)
    at: datetime | None = None


class Back(BaseModel):
    """A sale is taken back, whole."""

    terminal_no: str
    batch_no: str
    trace_no: str
    at: datetime | None = None


class Refund(Back):
    """Money goes back to the card of a sale."""

    amount_fen: int = Field(strict=True, gt=0)


class Settlement(BaseModel):
    """A terminal settles its batch with the acquirer."""

    terminal_no: str


@dataclass(frozen=True)
class Slip:
    """What a terminal prints."""

    kind: str
    terminal_no: str
    batch_no: str
    trace_no: str
    reference_no: str
    at: str
    amount_fen: int
    original_batch_no: str = ""
    original_trace_no: str = ""

    @property
    def name(self) -> tuple[str, str, str]:
        """Terminal, batch, trace."""
        return self.terminal_no, self.batch_no, self.trace_no

    @property
    def line(self) -> str:
        """As the acquirer's file has it."""
        numbers = (self.batch_no, self.trace_no, self.original_batch_no, self.original_trace_no, self.reference_no)
        at = datetime.fromisoformat(self.at).astimezone(SHANGHAI)
        told = f"{at:%Y-%m-%d %H:%M:%S},{yuan(self.amount_fen)},{_WORDS[self.kind]}"
        return ",".join((self.terminal_no, SHOP, *numbers, told))


class Books:
    """All slips, and the batch of each terminal; read again at the start."""

    def __init__(self, path: Path | None = None) -> None:
        self.slips: list[Slip] = []
        self._batches: dict[str, int] = {}
        self._traces: dict[str, int] = {}
        self._path = path
        if path is not None and path.exists():
            for row in path.read_text(encoding="utf-8").splitlines():
                self._remember(json.loads(row))

    def batch_of(self, terminal_no: str) -> str:
        """The batch that is open at a terminal."""
        return f"{self._batches.get(terminal_no, 1):06d}"

    def print(self, kind: str, terminal_no: str, at: datetime, amount_fen: int, original: Slip | None = None) -> Slip:
        """A slip under the terminal's next trace number."""
        trace = self._traces.get(terminal_no, 0) % 999_999 + 1
        slip = Slip(
            kind,
            terminal_no,
            self.batch_of(terminal_no),
            f"{trace:06d}",
            f"{at:%m%d%H%M}{len(self.slips) % 10_000:04d}",
            at.isoformat(),
            amount_fen,
            *((original.batch_no, original.trace_no) if original else ()),
        )
        self._keep({"slip": asdict(slip)})
        return slip

    def settle(self, terminal_no: str) -> str:
        """End a terminal's batch; the number of the new one."""
        self._keep({"settled": terminal_no})
        return self.batch_of(terminal_no)

    def sale(self, terminal_no: str, batch_no: str, trace_no: str) -> Slip | None:
        """A sale by its name."""
        named = (slip for slip in self.slips if slip.kind == "sale" and slip.name == (terminal_no, batch_no, trace_no))
        return next(named, None)

    def gone_back(self, sale: Slip) -> int:
        """What of a sale went back by now, in fen."""
        originals = (sale.terminal_no, sale.batch_no, sale.trace_no)
        return sum(
            slip.amount_fen
            for slip in self.slips
            if slip.kind != "sale" and (slip.terminal_no, slip.original_batch_no, slip.original_trace_no) == originals
        )

    def day_file(self, day: date, faults: Collection[str] = ()) -> bytes | None:
        """The acquirer's file of a day, in GBK; None where no card was used.

        missing: without its last slip · duplicate: the first one twice · strange: a sale that no terminal made ·
        wrong_amount: the first slip with another amount · wrong_totals · untold_void: the last sale was taken back and
        nobody said so · broken_line · cut: ends in the middle.
        """
        slips = [slip for slip in self.slips if datetime.fromisoformat(slip.at).astimezone(SHANGHAI).date() == day]
        if not slips:
            return None
        slips = _disturbed(slips, set(faults))
        net_fen = sum(slip.amount_fen if slip.kind == "sale" else -slip.amount_fen for slip in slips)
        count = len(slips) + ("wrong_totals" in faults)
        lines = [f"合计,{count},{yuan(net_fen)}", _HEADINGS, *(slip.line for slip in slips)]
        if "broken_line" in faults:
            lines[2] = lines[2].replace(",", "|")
        data = "".join(f"{line}\r\n" for line in lines).encode("gbk")
        return data[: len(data) * 2 // 3] if "cut" in faults else data

    def _keep(self, row: dict[str, Any]) -> None:
        self._remember(row)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def _remember(self, row: dict[str, Any]) -> None:
        if "slip" in row:
            slip = Slip(**row["slip"])
            self.slips.append(slip)
            self._traces[slip.terminal_no] = int(slip.trace_no)
        else:
            self._batches[row["settled"]] = self._batches.get(row["settled"], 1) + 1


def create_app(*, books: Path | None = None, clock: Clock | None = None) -> FastAPI:
    """The terminals and their acquirer."""
    kept, time = Books(books), clock or suite_clock()
    app = FastAPI(title="Canbao local card terminals", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/control/sales")
    async def sell(sale: Sale) -> dict[str, Any]:
        return asdict(kept.print("sale", sale.terminal_no, sale.at or time.now(), sale.amount_fen))

    @app.post("/control/voids")
    async def void(back: Back) -> dict[str, Any]:
        sale = _sale(kept, back)
        if sale.batch_no != kept.batch_of(sale.terminal_no):
            raise HTTPException(409, "the batch is settled: only a refund is possible")
        if kept.gone_back(sale):
            raise HTTPException(409, "the sale went back before")
        return asdict(kept.print("void", sale.terminal_no, back.at or time.now(), sale.amount_fen, sale))

    @app.post("/control/refunds")
    async def give_back(back: Refund) -> dict[str, Any]:
        sale = _sale(kept, back)
        if kept.gone_back(sale) + back.amount_fen > sale.amount_fen:
            raise HTTPException(409, "more than was charged")
        return asdict(kept.print("refund", sale.terminal_no, back.at or time.now(), back.amount_fen, sale))

    @app.post("/control/settle")
    async def settle(settlement: Settlement) -> dict[str, str]:
        return {"batch_no": kept.settle(settlement.terminal_no)}

    @app.get("/control/statement")
    async def print_statement(day: date, faults: Annotated[list[str] | None, Query()] = None) -> Response:
        wanted = set(faults or ())
        if strange := wanted - STATEMENT_FAULTS:
            raise HTTPException(422, f"unknown faults: {', '.join(sorted(strange))}")
        data = kept.day_file(day, wanted)
        return Response(status_code=204) if data is None else Response(data, media_type="application/octet-stream")

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def yuan(fen: int) -> str:
    """Fen as acquirers write money."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _sale(books: Books, back: Back) -> Slip:
    sale = books.sale(back.terminal_no, back.batch_no, back.trace_no)
    if sale is None:
        raise HTTPException(404, "no such sale")
    return sale


def _disturbed(slips: list[Slip], faults: Collection[str]) -> list[Slip]:
    if "missing" in faults:
        slips = slips[:-1]
    if "wrong_amount" in faults and slips:
        slips = [replace(slips[0], amount_fen=slips[0].amount_fen + 100), *slips[1:]]
    if "duplicate" in faults:
        slips = [*slips, *slips[:1]]
    if "untold_void" in faults:
        sale = next(slip for slip in reversed(slips) if slip.kind == "sale")
        taken_back = replace(
            sale, kind="void", trace_no="999999", original_batch_no=sale.batch_no, original_trace_no=sale.trace_no
        )
        slips = [*slips, taken_back]
    if "strange" in faults and slips:
        slips = [*slips, replace(slips[0], kind="sale", trace_no="999998", original_batch_no="", original_trace_no="")]
    return slips
