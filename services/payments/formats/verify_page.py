"""The public page that confirms a receipt, as HTML: one page without script, images or anything from elsewhere."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

from shared.money import yuan

CONTENT_SECURITY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Field:
    """A field of the form: its name in the query, what stands beside it, and which texts it takes."""

    name: str
    label: str
    hint: str
    pattern: str
    kind: str = "text"
    keyboard: str = "numeric"


FIELDS = (
    Field("code", "票据代码", "8 位数字", "[0-9]{8}"),
    Field("number", "票据号码", "10 位数字", "[0-9]{10}"),
    Field("check_code", "校验码", "6 位数字或字母，不分大小写", "[0-9A-Za-z]{6}", keyboard="text"),
    Field("amount", "金额（元）", "如 320.00", "[0-9]{1,9}(\\.[0-9]{1,2})?", keyboard="decimal"),
    Field("day", "开票日期", "票面上的日期", "", kind="date"),
)

_STYLE = """
:root{color-scheme:light;--ink:#1c2430;--soft:#5a6472;--line:#d5dae1;--paper:#fff;--back:#f3f5f8;--main:#1d4f91;
--good:#1b6b3a;--goodback:#e9f5ed;--bad:#9b2c1f;--badback:#fbeeec}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"PingFang SC",
"Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC",sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;margin:.5rem 0 .25rem;line-height:1.3}
.lead{color:var(--soft);margin:0 0 1.25rem}
section,form{background:var(--paper);border:1px solid var(--line);border-radius:.6rem;padding:1.1rem 1.25rem;
margin:0 0 1.25rem}
h2{font-size:1.15rem;margin:0 0 .5rem}
.good{border-color:#9fcfb0;background:var(--goodback)}.good h2{color:var(--good)}
.bad{border-color:#e0aaa3;background:var(--badback)}.bad h2{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1rem;margin:.5rem 0 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
label{display:block;font-weight:600;margin:.9rem 0 .2rem}label:first-of-type{margin-top:0}
.hint{font-weight:400;color:var(--soft);font-size:.9rem;margin-left:.5rem}
input{width:100%;font:inherit;padding:.55rem .7rem;border:1px solid #8d97a5;border-radius:.4rem;background:#fff;
color:inherit;min-height:2.9rem}
input:focus-visible,button:focus-visible{outline:3px solid #7fb0ee;outline-offset:1px}
input[aria-invalid=true]{border-color:var(--bad)}
.fault{color:var(--bad);margin:.2rem 0 0;font-size:.95rem}
button{margin-top:1.2rem;width:100%;min-height:3rem;font:inherit;font-weight:600;color:#fff;background:var(--main);
border:0;border-radius:.4rem;cursor:pointer}
footer{color:var(--soft);font-size:.9rem}
"""


def read(given: Mapping[str, str]) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """What the form asks, with the amount in fen and the day as such; or None, and what is wrong with which field."""
    texts = {name: value.strip().replace("，", "").replace(",", "") for name, value in given.items()}
    faults = {
        field.name: f"请填写{field.label}（{field.hint}）"
        for field in FIELDS
        if field.pattern and not re.fullmatch(field.pattern, texts[field.name])
    }
    try:
        day = date.fromisoformat(texts["day"])
    except ValueError:
        faults["day"] = "请填写开票日期，例如 2021-12-05"
    if faults:
        return None, faults
    yuan_text, _, fen_text = texts["amount"].partition(".")
    amount_fen = int(yuan_text) * 100 + int(fen_text.ljust(2, "0") or "0")
    known = {name: texts[name] for name in ("code", "number", "check_code")}
    return {**known, "amount_fen": amount_fen, "day": day}, {}


def page(
    given: Mapping[str, str], *, faults: Mapping[str, str], answer: Mapping[str, Any] | None, wait_seconds: int = 0
) -> str:
    """The page: what came of the question, then the form with what was given. `faults` are texts by field."""
    result = _wait(wait_seconds) if wait_seconds else _answer(answer) if answer else ""
    fields = "".join(_field(field, given.get(field.name, ""), faults.get(field.name, "")) for field in FIELDS)
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer">'
        f"<title>票据查验</title><style>{_STYLE}</style></head><body><main>"
        '<h1>票据查验</h1><p class="lead">核对社会保险费专用票据的真伪和状态。无需登录。</p>'
        f'{result}<form method="get" action="verify" novalidate>{fields}<button type="submit">查验</button></form>'
        "<footer>请照票面逐项填写；扫描票据上的二维码会自动填好。本页不显示身份证号等个人信息，缴费人姓名已作遮盖。</footer>"
        "</main></body></html>"
    )


def _field(field: Field, value: str, fault: str) -> str:
    wrong = f' aria-invalid="true" aria-describedby="{field.name}-fault"' if fault else ""
    pattern = f' pattern="{escape(field.pattern)}"' if field.pattern else ""
    told = f'<p class="fault" id="{field.name}-fault">{escape(fault)}</p>' if fault else ""
    return (
        f'<label for="{field.name}">{field.label}<span class="hint">{field.hint}</span></label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.kind}" inputmode="{field.keyboard}"{pattern} '
        f'maxlength="20" autocomplete="off" autocapitalize="off" spellcheck="false" required{wrong} '
        f'value="{escape(value)}">{told}'
    )


def _answer(answer: Mapping[str, Any]) -> str:
    if not answer["found"]:
        told = "<p>请核对票据代码、票据号码、校验码、金额和开票日期是否与票面一致。</p>"
        return _result("bad", "未查到相符的票据", told)
    if answer["is_red"]:
        return _result("bad", "此为红票", "<p>该号码用于冲销另一张票据，不作为缴费凭据。</p>" + _details(answer))
    if answer["state"] == "issued":
        return _result("good", "票据有效", _details(answer))
    word = "作废" if answer["state"] == "voided" else "冲红"
    told = f"<p>该票据确系本单位开具，现已{word}，不再作为缴费凭据。</p>"
    return _result("bad", f"票据已{word}", told + _details(answer))


def _details(answer: Mapping[str, Any]) -> str:
    shown = {
        "票据名称": answer["name"],
        "开票单位": answer["issuing_unit"],
        "缴费人": answer["payer_name_masked"],
        "金额": f"{yuan(answer['amount_fen'])} 元",
        "开票日期": answer["issued_on"],
        "失效日期": answer["ended_on"],
    }
    lines = (f"<dt>{name}</dt><dd>{escape(str(text))}</dd>" for name, text in shown.items() if text)
    return f"<dl>{''.join(lines)}</dl>"


def _wait(seconds: int) -> str:
    return _result("bad", "查验过于频繁", f"<p>请 {seconds} 秒后再试。</p>")


def _result(kind: str, title: str, body: str) -> str:
    return f'<section class="{kind}" role="status"><h2>{title}</h2>{body}</section>'
