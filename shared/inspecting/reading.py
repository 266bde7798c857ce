"""What an inspector may ask. The question is on record like every other reading."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ..clock import SHANGHAI, Clock
from ..database import Database, Row, Writer
from ..sheets import write_sheet
from ..tokens import Caller
from . import store
from .schemas import AUDIT_LINE_UNKNOWN, EXPORT_LIMIT, EXPORT_TOO_LARGE, SHOWN_PERSONS
from .store import Asked

_COLUMNS = ["序号", "时间", "操作", "操作说明", "操作人", "应用", "涉及人数", "涉及人员编号", "内容"]
_ACTS = {
    "read": "查阅",
    "listed": "查阅名单",
    "looked_up": "按证件查询",
    "queried": "查询",
    "fetched": "下载",
    "printed": "打印",
    "exported": "导出",
    "resolved": "比对登记",
    "recorded": "登记",
    "registered": "参保登记",
    "received": "接收",
    "decided": "认定",
    "approved": "复核通过",
    "withdrawn": "撤回",
    "erased": "删除",
}


@dataclass(frozen=True)
class Inspecting:
    """The audit lines of one service."""

    service: str
    database: Database
    clock: Clock

    async def list_lines(
        self, caller: Caller, pool: str, asked: Asked, after: int, limit: int
    ) -> Sequence[dict[str, Any]]:
        """Lines in their order, one more than `limit` where there are more. Raises Problem AREA_FORBIDDEN."""
        caller.require_pool(pool)
        async with self.database.writing() as tx:
            rows = await store.list_lines(tx, pool, asked, after, limit, SHOWN_PERSONS)
            self._leave_line(tx, caller, pool, asked, {"lines": min(len(rows), limit)})
        return [_shown(row, asked) for row in rows]

    async def read_line(self, caller: Caller, pool: str, seq: int) -> dict[str, Any]:
        """One line with all its persons. Raises Problem AREA_FORBIDDEN, AUDIT_LINE_UNKNOWN."""
        caller.require_pool(pool)
        async with self.database.writing() as tx:
            row = await store.find_line(tx, pool, seq)
            if row is None:
                raise AUDIT_LINE_UNKNOWN(pool=pool, seq=seq)
            self._leave_line(tx, caller, pool, Asked(), {"seq": seq})
        return dict(row)

    async def export_lines(self, caller: Caller, pool: str, asked: Asked) -> bytes:
        """Lines as an XLSX with a heading in Chinese. Raises Problem AREA_FORBIDDEN, EXPORT_TOO_LARGE."""
        caller.require_pool(pool)
        async with self.database.writing() as tx:
            rows = await store.list_lines(tx, pool, asked, 0, EXPORT_LIMIT, SHOWN_PERSONS)
            if len(rows) > EXPORT_LIMIT:
                raise EXPORT_TOO_LARGE(limit=EXPORT_LIMIT)
            self._leave_line(tx, caller, pool, asked, {"lines": len(rows), "form": "xlsx"})
        return write_sheet("xlsx", _COLUMNS, [_cells(_shown(row, asked)) for row in rows])

    def _leave_line(self, tx: Writer, caller: Caller, pool: str, asked: Asked, about: dict[str, Any]) -> None:
        given = {name: str(value) for name, value in asdict(asked).items() if value is not None}
        persons = [asked.person_id] if asked.person_id else []
        now = self.clock.now()
        tx.audit(pool, "audit.read", caller.client_id, caller.subject, now, persons, {"asked": given} | about)


def _shown(row: Row, asked: Asked) -> dict[str, Any]:
    persons = row["persons"]
    if asked.person_id and str(asked.person_id) not in persons:
        persons = [*persons, str(asked.person_id)]
    return {**row, "persons": persons}


def _cells(line: dict[str, Any]) -> list[str]:
    more = line["persons_count"] - len(line["persons"])
    persons = "、".join(line["persons"]) + (f" 等，另有 {more} 人" if more > 0 else "")
    return [
        str(line["seq"]),
        line["occurred_at"].astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
        line["action"],
        _ACTS.get(line["action"].rpartition(".")[2], ""),
        line["actor"],
        line["client_id"],
        str(line["persons_count"]),
        persons,
        orjson.dumps(line["detail"]).decode() if line["detail"] else "",
    ]
