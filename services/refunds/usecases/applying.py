"""Asking for money back (S004-29): taken down at the agency, refused on the spot where the rules refuse (S004-32)."""

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import Problem
from shared.tokens import Caller

from .. import rules, schemas, store
from .reading import shown
from .suite import Refunds
from .telling import tell_decided


async def apply(service: Refunds, caller: Caller, once: Once, order: schemas.RefundRequest) -> Answer:
    """Take down an application; where nothing is due back it is recorded as refused, with every reason.

    Payments and registration are asked before the transaction begins (law 8). Raises Problem COLLECTION_UNKNOWN,
    SCHEME_UNKNOWN, SCHEME_DIFFERS, ALREADY_APPLIED, AREA_FORBIDDEN, UPSTREAM_UNAVAILABLE.
    """
    collection = await service.payments.collection(order.pool, order.collection_id)
    caller.require_region(collection.region)
    if collection.scheme not in (None, order.scheme):
        raise schemas.SCHEME_DIFFERS(of_collection=collection.scheme, scheme=order.scheme)
    stated = await service.registration.stated(order.pool, order.scheme)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        reasons = rules.judge(stated, collection, order.ground, business_day(now))
        application_id = new_id()
        standing = await store.find_standing(tx, order.pool, order.collection_id)
        if standing and standing["state"] != rules.State.PAID and not reasons:
            raise _already_applied(standing)
        row = {
            "pool": order.pool,
            "application_id": application_id,
            "scheme": order.scheme,
            "collection_id": collection.collection_id,
            "bill_no": collection.bill_no,
            "person_id": collection.person_id,
            "region": collection.region,
            "ground": order.ground,
            "cause": "",
            "late": False,
            "state": rules.TRANSITIONS[None, rules.Act.REFUSE if reasons else rules.Act.REQUEST],
            "amount_fen": collection.amount_fen - collection.refunded_fen if reasons else collection.left_fen,
            "applicant_name": order.applicant.name,
            "applicant_id": order.applicant.person_id,
            "explanation": order.explanation,
            "reasons": [reason.data() for reason in reasons],
            "requested_on": business_day(now),
            "requested_at": now,
            "requested_by": caller.subject,
            "payout_refusals": [],
            "version": 1,
        }
        if not await store.insert_applications(tx, [row]):
            standing = await store.find_standing(tx, order.pool, order.collection_id)
            assert standing is not None
            raise _already_applied(standing)
        stored = await store.find_application(tx, order.pool, application_id)
        assert stored is not None
        if reasons:
            tell_decided(tx, stored, now)
        return Answer(201, shown(stored))

    return await once.run(service.database, order.pool, work)


def _already_applied(standing: Row) -> Problem:
    state = rules.State(standing["state"])
    return schemas.ALREADY_APPLIED(
        application_id=standing["application_id"], state=state, state_zh=schemas.STATES[state]
    )
