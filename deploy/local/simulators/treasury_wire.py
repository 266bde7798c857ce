"""How the simulated treasury writes and reads its packages (TIPS): written out by hand, nothing shared with payments.

<?xml version="1.0" encoding="GBK"?><CFX><HEAD>…</HEAD><MSG>…</MSG></CFX><!--SM3(XML ‖ key), upper case-->
"""

import json
import re
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from deploy.local import places

from .bank import POOLS
from .tax_books import yuan

NODE = "100000000000"
AGENCY_NODE = "111111111111"
SUCCESS_STATE = "1"
Pairs = Sequence[tuple[str, str]]


def key_of(keys: Path = places.KEYS) -> bytes:
    """The key behind the messages; made at the first use."""
    return places.kept(keys / "treasury.key", lambda: secrets.token_hex(16).encode())


def office_of(pool: str) -> str:
    """The code of a pool's collecting office (TaxOrgCode)."""
    return f"1{pool}0000"


def treasury_of(pool: str) -> str:
    """The code of a pool's treasury."""
    return f"{pool}0000"


def settings_of(front_url: str, keys: Path = places.KEYS, posting_days: int | None = 7) -> str:
    """PAYMENTS_TREASURY: how payments deals with this treasury."""
    key_of(keys)
    offices = {office_of(pool): {"pool": pool, "treasury_code": treasury_of(pool)} for pool in POOLS}
    return json.dumps(
        {
            "key": f"file:{keys / 'treasury.key'}",
            "node": AGENCY_NODE,
            "centre": NODE,
            "offices": offices,
            "success_states": [SUCCESS_STATE],
            "front_url": front_url,
            "posting_days": posting_days,
        }
    )


def trailer(xml: bytes, key: bytes) -> str:
    """The code over a message."""
    made = hashes.Hash(hashes.SM3())
    made.update(xml + key)
    return made.finalize().hex().upper()


def seal(xml: str, key: bytes) -> bytes:
    """A message as it goes over the line."""
    raw = xml.encode("gbk")
    return raw + f"<!--{trailer(raw, key)}-->".encode()


def element(name: str, pairs: Pairs) -> str:
    """An element of elements."""
    return f"<{name}>{''.join(f'<{each}>{value}</{each}>' for each, value in pairs)}</{name}>"


def message(number: str, message_id: str, reference: str, day: str, body: str) -> str:
    """A whole message from the treasury to the agency."""
    head: Pairs = (
        ("VER", "1.0"),
        ("SRC", NODE),
        ("DES", AGENCY_NODE),
        ("APP", "TIPS"),
        ("MsgNo", number),
        ("MsgID", message_id),
        ("MsgRef", reference),
        ("WorkDate", day),
    )
    return f'<?xml version="1.0" encoding="GBK"?><CFX>{element("HEAD", head)}<MSG>{body}</MSG></CFX>'


def posted(
    office: str,
    treasury: str,
    day: str,
    pack_no: str,
    part: tuple[int, int],
    told: int,
    rows: Sequence[tuple[str, int]],
    message_id: str,
) -> str:
    """3126: what was posted on a day. `part`: how many there are, and which this is; `rows`: voucher and fen."""
    head: Pairs = (
        ("TaxOrgCode", office),
        ("InTreDate", day),
        ("PackNo", pack_no),
        ("ChildPackNum", str(part[0])),
        ("CurPackNo", str(part[1])),
        ("TaxAllNum", str(told)),
        ("DrawBackAllNum", "0"),
        ("CorrAllNum", "0"),
        ("FreeAllNum", "0"),
    )
    lines = (
        (
            ("TreCode", treasury),
            ("ExportVouType", "1"),
            ("ExpTaxVouNo", voucher),
            ("BudgetType", "1"),
            ("BudgetLevelCode", "4"),
            ("BudgetSubjectCode", "1021201"),
            ("TraAmt", yuan(fen)),
            ("Origin", "1"),
        )
        for voucher, fen in rows
    )
    body = element("BillHead3126", head) + "".join(element("Bill3126", line) for line in lines)
    return message("3126", message_id, message_id, day, body)


def refund_answer(
    day: str, pack_no: str, whole: tuple[str, str], lines: Sequence[Pairs], total_fen: int, ids: tuple[str, str]
) -> str:
    """9110: the answer to a package of refunds; `whole`: result and words; `ids`: its own, and that of the package."""
    head: Pairs = (
        ("OriMsgNo", "1104"),
        ("OriSendOrgCode", AGENCY_NODE),
        ("OriEntrustDate", day),
        ("OriPackNo", pack_no),
        ("AllNum", str(len(lines))),
        ("AllAmt", yuan(total_fen)),
        ("Result", whole[0]),
        ("AddWord", whole[1]),
    )
    body = element("BatchHead9110", head) + "".join(element("BatchReturn9110", line) for line in lines)
    return message("9110", ids[0], ids[1], day, body)


def check(
    number: str, name: str, office: str, day: str, lines: Sequence[Pairs], total_fen: int, message_id: str
) -> str:
    """3122 or 3123: a day's check of vouchers or refunds, in one part."""
    head: Pairs = (
        ("ChkDate", day),
        ("PackNo", message_id[-8:]),
        ("TaxOrgCode", office),
        ("AllNum", str(len(lines))),
        ("AllAmt", yuan(total_fen)),
        ("ChildPackNum", "1"),
        ("CurPackNo", "1"),
        ("CurPackNum", str(len(lines))),
        ("CurPackAmt", yuan(total_fen)),
    )
    body = element(f"BatchHead{number}", head) + "".join(element(name, line) for line in lines)
    return message(number, message_id, message_id, day, body)


def read(raw: bytes, key: bytes) -> ET.Element | None:
    """A message of the agency; None where its trailer is not right."""
    found = re.search(rb"<!--([0-9A-F]{64})-->\s*$", raw)
    if found is None or trailer(raw[: found.start()], key) != found[1].decode():
        return None
    text = raw[: found.start()].decode("gb18030")
    return ET.fromstring(re.sub(r"^<\?xml[^>]*\?>", "", text))


def texts(parent: ET.Element) -> dict[str, str]:
    """The elements of an element, by name."""
    return {child.tag: child.text or "" for child in parent}
