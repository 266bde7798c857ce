"""Batch withholding (批量代扣) at a simulated bank: it takes a batch's file, debits, and prints files to send back.

    PUT  /bank/withholdings/{institution}/{file name}            the biller's file, as over SFTP
    POST /control/withholdings  {"institution"?, "file_name", "refuse"?, "interim"?, "final"?, "at"?}
         what becomes of it. `refuse`: VERIFY_FAILED, GROUPNO_ERROR or TOTAL_INSTRUCTION_NOT_MATCH, the whole file.
         `interim`, `final`: the word about single bills, `S`, `F`, `E`, `X`, `U`, or `P` and the fen debited
         (`P12000`); a bill that is not named is debited whole. `at`: when the bank debits; else now.
    GET  /control/withholdings/{institution}/{file name}?final=&faults=      the file to hand to the biller
         faults: wrong_total · cut_end · foreign_line · wrong_amount · wrong_code

A file is GBK with `|` between values, as protocols §2.2 has it; a return has the totals of what was debited in its
first line, and word, fen, instant and words at the end of each line:

    笔数|总金额|成功笔数|成功金额
    序号|协议号|户名|账号|应扣金额|应缴单号|S|实扣金额|20211205063000|说明
    <CA>…</CA>

A file that is altered or does not add up is refused whole by itself. What was debited stands in the day's check file,
with the number of the batch and of the line as its serial, and can be paid back like every payment.
"""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import hashes
from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel

from shared.clock import Clock

from .bank_books import Books, Entry

RETURN_FAULTS = frozenset({"wrong_total", "cut_end", "foreign_line", "wrong_amount", "wrong_code"})

_WORDS = {
    "S": "扣款成功",
    "F": "余额不足",
    "E": "账户异常",
    "X": "无代扣协议",
    "U": "处理中",
    "P": "余额不足，部分扣款",
}


class Order(BaseModel):
    """What becomes of a file."""

    institution: str = "RCB140522"
    file_name: str
    refuse: str | None = None
    interim: dict[str, str] = {}
    final: dict[str, str] = {}
    at: datetime | None = None


@dataclass
class Batch:
    """A file of the biller, and what is to become of it."""

    batch_no: str
    lines: list[list[str]]
    refuse: str | None = None
    interim: dict[str, str] = field(default_factory=dict)
    final: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None


class Withholding:
    """The files that came, by bank and name."""

    def __init__(self, books: Books, keys: dict[str, bytes], clock: Clock) -> None:
        self._books, self._keys, self._clock = books, keys, clock
        self._batches: dict[tuple[str, str], Batch] = {}

    def take(self, institution: str, name: str, raw: bytes) -> Batch:
        """Take a file; one that is altered or does not add up will be refused whole."""
        rows = [row for row in raw.decode("gb18030").split("\r\n") if row]
        body, trailer = rows[:-1], rows[-1] if rows else ""
        lines = [row.split("|") for row in body[1:]]
        batch = Batch(name.rsplit(".", 1)[0].rsplit("_", 1)[-1], lines)
        if trailer != f"<CA>{self._code(institution, body)}</CA>":
            batch.refuse = "VERIFY_FAILED"
        elif body[0] != f"{len(lines)}|{sum(int(line[4]) for line in lines)}":
            batch.refuse = "TOTAL_INSTRUCTION_NOT_MATCH"
        self._batches[institution, name] = batch
        return batch

    def arrange(self, order: Order) -> None:
        """Decide what becomes of a file. Raises HTTPException 404 for one that did not come."""
        batch = self._batch(order.institution, order.file_name)
        batch.refuse = order.refuse or batch.refuse
        batch.interim, batch.final, batch.at = order.interim, order.final, order.at

    def answer(self, institution: str, name: str, *, final: bool, faults: frozenset[str]) -> tuple[str, bytes]:
        """The file to send back, with its name. The first one that tells of a debit is the moment of the debit."""
        batch = self._batch(institution, name)
        returned = f"{'final_' if final else ''}{name.rsplit('.', 1)[0]}.ret"
        if batch.refuse:
            return returned, self._closed(institution, [f"{batch.refuse}|整批退回"], faults)
        at = batch.at or self._clock.now()
        lines = [self._line(institution, batch, line, at, final=final) for line in batch.lines]
        if "foreign_line" in faults:
            lines.append(
                ["999999", "P0", "无名氏", "6222000000000000009", "100", "0", "S", "100", f"{at:%Y%m%d%H%M%S}", ""]
            )
        if "wrong_amount" in faults:
            lines[0][4] = str(int(lines[0][4]) + 1)
        debited = [int(line[7]) for line in lines if line[6] in ("S", "P")]
        off = 100 if "wrong_total" in faults else 0
        first = [len(lines), sum(int(line[4]) for line in lines) + off, len(debited), sum(debited) + off]
        rows = ["|".join(map(str, first)), *("|".join(line) for line in lines)]
        return returned, self._closed(institution, rows, faults)

    def _line(self, institution: str, batch: Batch, line: list[str], at: datetime, *, final: bool) -> list[str]:
        told = batch.final.get(line[5], "S")
        told = told if final else batch.interim.get(line[5], told)
        word, fen = (told[0], told[1:]) if told.startswith("P") else (told, line[4] if told == "S" else "0")
        local = at.astimezone(ZoneInfo("Asia/Shanghai"))
        if word in ("S", "P"):
            serial = f"{batch.batch_no}{int(line[0]):06d}"
            kept = self._books.entries.get((institution, f"{local:%Y%m%d}", serial))
            entry = Entry(institution, f"{local:%Y%m%d}", serial, "debit", line[5], int(fen), line[3], "DK", "booked")
            if kept is None:
                self._books.keep(entry)
        when = f"{local:%Y%m%d%H%M%S}" if word in ("S", "P") else ""
        return [*line, word, fen, when, _WORDS.get(word, "")]

    def _closed(self, institution: str, rows: list[str], faults: frozenset[str]) -> bytes:
        code = self._code(institution, ["altered", *rows] if "wrong_code" in faults else rows)
        raw = "\r\n".join([*rows, f"<CA>{code}</CA>"]).encode("gb18030")
        return raw[: -len(raw) // 3] if "cut_end" in faults else raw

    def _code(self, institution: str, rows: list[str]) -> str:
        key = self._keys[institution]
        return _sm3("".join(_sm3(row.encode("gb18030") + key) for row in rows if row).encode() + key)

    def _batch(self, institution: str, name: str) -> Batch:
        batch = self._batches.get((institution, name))
        if batch is None:
            raise HTTPException(404, f"no file {name} came from the biller")
        return batch


def _sm3(raw: bytes) -> str:
    made = hashes.Hash(hashes.SM3())
    made.update(raw)
    return made.finalize().hex().upper()


def serve_withholding(app: FastAPI, withholding: Withholding) -> None:
    """Add the routes of withholding to the banks."""

    @app.put("/bank/withholdings/{institution}/{file_name}", status_code=201)
    async def take_file(request: Request, institution: str, file_name: str) -> dict[str, int]:
        batch = withholding.take(institution, file_name, await request.body())
        return {"lines": len(batch.lines)}

    @app.post("/control/withholdings")
    async def arrange_withholding(order: Order) -> dict[str, str]:
        withholding.arrange(order)
        return {"status": "ok"}

    @app.get("/control/withholdings/{institution}/{file_name}")
    async def print_return(
        institution: str, file_name: str, *, final: bool = True, faults: str = Query("")
    ) -> Response:
        wanted = frozenset(filter(None, faults.split(",")))
        if wanted - RETURN_FAULTS:
            raise HTTPException(422, f"faults: {', '.join(sorted(RETURN_FAULTS))}")
        name, raw = withholding.answer(institution, file_name, final=final, faults=wanted)
        return Response(
            raw, media_type="application/octet-stream", headers={"Content-Disposition": f"attachment; filename={name}"}
        )
