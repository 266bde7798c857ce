"""What officers take away of a dry run: its sums as a workbook, and everybody it changes as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from shared.codes import Payer, RefusalCode, Status
from shared.money import yuan
from shared.sheets import write_sheet

from ..rules import EnrolmentKind
from ..rules.words import ENROLMENTS, PAYERS, REFUSALS, STATUSES

_SUMS = ("参保方式", "资助身份", "付款方", "现有人数", "现有金额（元）", "试算人数", "试算金额（元）", "差额（元）")
_CHANGES = (
    *("参保登记号", "人员编号", "单位代码", "参保方式", "是否已缴费", "变化"),
    *("现行标准（元）", "现行个人缴费（元）", "现行负担明细"),
    *("试算标准（元）", "试算个人缴费（元）", "试算负担明细", "不能参保原因"),
)
_EFFECTS = {
    "pays_more": "个人多缴",
    "pays_less": "个人少缴",
    "pays_the_same": "个人缴费不变，负担或待遇期有变",
    "refused": "不能参保",
}


def write_sums(sums: Sequence[Mapping[str, Any]], refusals: Sequence[Mapping[str, Any]]) -> bytes:
    """The sums by group and payer with their total, then how many would be refused for each reason; XLSX."""
    rows = [
        [
            *(_kind(row["kind"]), _status(row["helped_as"]), _payer(row["payer"])),
            *(str(row["persons_before"]), yuan(row["before_fen"])),
            *(str(row["persons_after"]), yuan(row["after_fen"]), yuan(row["after_fen"] - row["before_fen"])),
        ]
        for row in sums
    ]
    before, after = (sum(row[name] for row in sums) for name in ("before_fen", "after_fen"))
    rows.append(["合计", "", "", "", yuan(before), "", yuan(after), yuan(after - before)])
    rows += [
        ["不能参保", REFUSALS[RefusalCode(row["code"])].zh, "", "", "", str(row["persons"]), "", ""] for row in refusals
    ]
    return write_sheet("xlsx", _SUMS, rows)


def write_changes(rows: Sequence[Mapping[str, Any]], *, first: bool) -> bytes:
    """Rows as CSV in UTF-8; the first piece of a file begins with its mark and the headings."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if first:
        writer.writerow(_CHANGES)
    writer.writerows(map(_change, rows))
    return out.getvalue().encode("utf-8-sig" if first else "utf-8")


def _change(row: Mapping[str, Any]) -> list[str]:
    return [
        *(str(row["enrolment_id"]), str(row["person_id"]), row["unit_code"], _kind(row["kind"])),
        *("是" if row["paid"] else "否", _EFFECTS[row["effect"]], *_due(row["before"]), *_due(row["after"])),
        "；".join(reason["detail"] for reason in row["reasons"]),
    ]


def _due(due: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if due is None:
        return "", "", ""
    lines = (f"{_payer(line['payer'])}{_as(line['status'])} {yuan(line['amount_fen'])}" for line in due["lines"])
    return yuan(due["standard_fen"]), yuan(due["payable_fen"]), "；".join(lines)


def _as(status: str | None) -> str:
    return f"（{_status(status)}）" if status else ""


def _kind(code: str) -> str:
    return ENROLMENTS[EnrolmentKind(code)].zh


def _status(code: str | None) -> str:
    return STATUSES[Status(code)].zh if code else "无"


def _payer(code: str) -> str:
    return PAYERS[Payer(code)].zh
