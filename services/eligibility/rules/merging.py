"""Two records of one human being: from the word that they are, to the merge, and back where it was wrong."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.graph import Graph


class MergeSource(StrEnum):
    """Who says that two records are one person."""

    LIST = "list"
    PARTNER = "partner"
    CLERK = "clerk"


class MergeState(StrEnum):
    """人员归并: `told` is carried out by the job, `proposed` waits for a second person."""

    TOLD = "told"
    PROPOSED = "proposed"
    DECLINED = "declined"
    MERGED = "merged"
    DISPUTED = "disputed"
    UNDONE = "undone"
    WITHDRAWN = "withdrawn"


class MergeAct(StrEnum):
    """What happens to a merge. `doubt`: what was told does not fit, and people decide; `drop`, `take_back`: no list
    that counts says so any more."""

    TELL = "tell"
    PROPOSE = "propose"
    MERGE = "merge"
    DOUBT = "doubt"
    APPROVE = "approve"
    DECLINE = "decline"
    DISPUTE = "dispute"
    UPHOLD = "uphold"
    UNDO = "undo"
    DROP = "drop"
    TAKE_BACK = "take_back"


MERGE_TRANSITIONS = Graph(
    MergeState,
    MergeAct,
    {
        (None, MergeAct.TELL): MergeState.TOLD,
        (None, MergeAct.PROPOSE): MergeState.PROPOSED,
        (MergeState.TOLD, MergeAct.MERGE): MergeState.MERGED,
        (MergeState.TOLD, MergeAct.DOUBT): MergeState.PROPOSED,
        (MergeState.TOLD, MergeAct.DROP): MergeState.WITHDRAWN,
        (MergeState.PROPOSED, MergeAct.APPROVE): MergeState.MERGED,
        (MergeState.PROPOSED, MergeAct.DECLINE): MergeState.DECLINED,
        (MergeState.PROPOSED, MergeAct.DROP): MergeState.WITHDRAWN,
        (MergeState.MERGED, MergeAct.DISPUTE): MergeState.DISPUTED,
        (MergeState.MERGED, MergeAct.TAKE_BACK): MergeState.WITHDRAWN,
        (MergeState.DISPUTED, MergeAct.UPHOLD): MergeState.MERGED,
        (MergeState.DISPUTED, MergeAct.UNDO): MergeState.UNDONE,
        (MergeState.DISPUTED, MergeAct.TAKE_BACK): MergeState.WITHDRAWN,
    },
)


@dataclass(frozen=True)
class Record:
    """A person as far as a merge goes by it: birth date and sex, whether several records are united in it already, and
    whether it is known by a mother's number (`newborn`) and by a document of its own (`numbered`)."""

    birth_date: date
    sex: str
    united: bool
    newborn: bool
    numbered: bool


def merges_by_itself(merged: Record, surviving: Record) -> bool:
    """Whether a list or a partner is taken at its word: a newborn known by the mother's number alone has come to a
    number of its own, and neither birth date nor sex speaks against it. Anything else people decide."""
    return (
        (merged.newborn and not merged.numbered and not merged.united)
        and (surviving.numbered and not surviving.newborn)
        and (merged.birth_date, merged.sex) == (surviving.birth_date, surviving.sex)
    )
