"""What is disturbed on the way: FAULTS is a comma list of the names below."""

from collections.abc import Collection, Iterable
from random import Random
from typing import Any

NAMES = {
    "none": "nothing is disturbed",
    "duplicates": "notifications, confirmations and the bank's messages come twice",
    "late": "notifications come late or never",
    "reordered": "notifications overtake one another",
    "late_success": "an order is paid after it was closed, because the bill was paid elsewhere",
    "timeouts": "the line to the bank is cut, the outcome is unknown",
    "statements": "day statements with an unknown line, a wrong amount, a cut end, or other than what we were told",
    "rows": "rosters and feeds with bad rows (they have some in every season)",
    "day26": "money comes on the 26th, by card and through the tax bureau",
    "kill": "every service is killed (SIGKILL) in the midst of its work, several times",
    "restart": "the database is killed (SIGKILL) and comes back",
    "all": "everything that can be disturbed",
}
_TOGETHER = frozenset(NAMES) - {"none", "all"}

# In the midst of which acts a service is killed.
_MOMENTS: dict[str, tuple[str, ...]] = {
    "eligibility": ("hand_in_feed", "hand_in_roster"),
    "registration": ("hand_in_roster", "enrol", "pay"),
    "payments": ("pay", "pay_bank", "record_lines", "confirm_tax_batch", "close_shift", "pay_refund"),
    "refunds": ("check_refund", "decide_refund", "pay_refund"),
    "postgres": ("pay", "record_lines"),
}
_FAULT_OF = {"postgres": "restart"}


class UnknownFault(ValueError):
    """FAULTS names something that there is not."""


def read_faults(text: str) -> frozenset[str]:
    """The faults wished for. Raises UnknownFault, which names what there is."""
    wished = frozenset(name.strip() for name in text.split(",") if name.strip()) or frozenset({"none"})
    if unknown := sorted(wished - NAMES.keys()):
        raise UnknownFault(f"FAULTS: unknown {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    return (_TOGETHER if "all" in wished else wished) - {"none"}


def plan_kills(seed: int, acts: Iterable[dict[str, Any]], faults: Collection[str]) -> dict[int, tuple[str, float]]:
    """Act number → program to be killed while the act runs, and the seconds after its start. The same for a seed."""
    rng = Random(f"canbao:{seed}:kills")
    by_kind: dict[str, list[int]] = {}
    for act in acts:
        by_kind.setdefault(act["act"], []).append(act["n"])
    kills: dict[int, tuple[str, float]] = {}
    moments = {name: kinds for name, kinds in _MOMENTS.items() if _FAULT_OF.get(name, "kill") in faults}
    for service, kinds in moments.items():
        for kind in kinds:
            free = [number for number in by_kind.get(kind, []) if number not in kills]
            if free:
                kills[rng.choice(free)] = (service, rng.uniform(0, 0.06))
    return kills
