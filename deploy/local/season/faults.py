"""What is disturbed on the way: FAULTS is a comma list of the names below."""

from collections.abc import Iterable
from random import Random
from typing import Any

NAMES = {
    "none": "nothing is disturbed",
    "kill": "every service is killed (SIGKILL) in the midst of its work, several times",
    "all": "everything that can be disturbed",
}
_TOGETHER = frozenset({"kill"})

# In the midst of which acts a service is killed.
_MOMENTS: dict[str, tuple[str, ...]] = {
    "eligibility": ("hand_in_feed", "hand_in_roster"),
    "registration": ("hand_in_roster", "enrol", "pay"),
    "payments": ("pay", "pay", "close_shift", "pay_refund"),
    "refunds": ("check_refund", "decide_refund", "pay_refund"),
}


class UnknownFault(ValueError):
    """FAULTS names something that there is not."""


def read_faults(text: str) -> frozenset[str]:
    """The faults wished for. Raises UnknownFault, which names what there is."""
    wished = frozenset(name.strip() for name in text.split(",") if name.strip()) or frozenset({"none"})
    if unknown := sorted(wished - NAMES.keys()):
        raise UnknownFault(f"FAULTS: unknown {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    return (_TOGETHER if "all" in wished else wished) - {"none"}


def plan_kills(seed: int, acts: Iterable[dict[str, Any]]) -> dict[int, tuple[str, float]]:
    """Act number → service to be killed while the act runs, and the seconds after its start. The same for a seed."""
    rng = Random(f"canbao:{seed}:kills")
    by_kind: dict[str, list[int]] = {}
    for act in acts:
        by_kind.setdefault(act["act"], []).append(act["n"])
    kills: dict[int, tuple[str, float]] = {}
    for service, kinds in _MOMENTS.items():
        for kind in kinds:
            free = [number for number in by_kind.get(kind, []) if number not in kills]
            if free:
                kills[rng.choice(free)] = (service, rng.uniform(0, 0.06))
    return kills
