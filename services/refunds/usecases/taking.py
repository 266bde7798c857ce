"""Taking an application in hand: the ladder of refusals that check, decision and payout have in common."""

from uuid import UUID

from shared.database import Row, Writer
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules, schemas, store


async def take(
    tx: Writer, caller: Caller, pool: str, application_id: UUID, version: int, step: rules.Step, act: rules.Act
) -> tuple[Row, rules.State]:
    """Lock an application for a step of the caller; the row and the state that `act` brings it to.

    Raises, in this order, Problem APPLICATION_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, WRONG_STATE, FOUR_EYES.
    """
    row = (await store.lock_applications(tx, pool, [application_id])).get(application_id)
    if row is None:
        raise schemas.APPLICATION_UNKNOWN(application_id=application_id)
    caller.require_region(row["region"])
    require_version(row["version"], version)
    state = rules.TRANSITIONS.get((rules.State(row["state"]), act))
    if state is None:
        raise schemas.WRONG_STATE(
            state=row["state"], state_zh=schemas.STATES[row["state"]], act=act, act_zh=schemas.ACTS[act]
        )
    hand = rules.seen_by(step, caller.subject, row)
    if hand:
        raise schemas.FOUR_EYES(
            subject=caller.subject,
            hand=hand,
            hand_zh=schemas.HANDS[hand],
            step=step,
            step_zh=schemas.STEPS[step],
        )
    return row, state
