"""What refunds asks of payments and of registration."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.http import UPSTREAM_UNAVAILABLE, Upstream, UpstreamRefusal

from . import schemas
from .rules import Collection, PayoutState, Settlement, Stated

# The refusals that are about the payout itself. Payments has looked then, found the refund unpaid and keeps its answer
# for the key. Any other 4xx, such as for an expired token, leaves open what became of an earlier attempt.
_PAYOUT_REFUSALS = frozenset(
    {
        "application_has_refund",
        "collection_unknown",
        "four_eyes",
        "not_refundable",
        "not_the_way_back",
        "refund_account_needed",
        "refund_account_unconfirmed",
        "refund_exceeds_paid",
        "shift_closed",
        "shift_of_another",
        "shift_unknown",
        "treasury_not_set_up",
    }
)

PAID_OTHERWISE = "refund_paid_otherwise"


class PayoutRefused(Exception):
    """Payments has not paid and will not pay this refund: its problem `code` and `detail`."""

    def __init__(self, code: str, detail: str) -> None:
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")


class PaymentsClient:
    """Payments' REST API, as far as refunds needs it."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def collection(self, pool: str, collection_id: UUID) -> Collection:
        """The money. Raises Problem COLLECTION_UNKNOWN, UPSTREAM_UNAVAILABLE."""
        try:
            found = await self.upstream.get(f"/v1/collections/{collection_id}", pool=pool)
        except UpstreamRefusal as refusal:
            if refusal.status == 404:
                raise schemas.COLLECTION_UNKNOWN(collection_id=collection_id) from refusal
            raise
        return Collection(
            collection_id,
            found["bill_no"],
            found["scheme"],
            UUID(found["person_id"]) if found["person_id"] else None,
            found["region"],
            found["outcome"],
            found["amount_fen"],
            found["released_fen"],
            found["refunding_fen"],
            found["refunded_fen"],
            found["reversed_at"] is not None,
        )

    async def pay_out(self, application: Mapping[str, Any]) -> Settlement | PayoutState:
        """Have an application paid out that is `paying`; asked again, the same refund is paid once.

        What came of it, or how far a channel is with it. Raises PayoutRefused, and Problem UPSTREAM_UNAVAILABLE where
        the outcome is not known.
        """
        names = ("pool", "refund_id", "application_id", "collection_id", "scheme", "method", "amount_fen", "paid_by")
        body = {name: application[name] for name in names} | {"paid_to": application["applicant_name"]}
        body |= {"shift_id": application["shift_id"]} if application["shift_id"] else {}
        wire = {name: str(value) if isinstance(value, UUID) else value for name, value in body.items()}
        try:
            answer = await self.upstream.post("/v1/refunds", wire, key=wire["refund_id"])
        except UpstreamRefusal as refusal:
            if refusal.code in _PAYOUT_REFUSALS:
                raise PayoutRefused(refusal.code, str(refusal.body.get("detail", ""))) from refusal
            raise UPSTREAM_UNAVAILABLE(name=self.upstream.name) from refusal
        said = schemas.RefundAnswer.model_validate(answer)
        if said.state == "failed":
            raise PayoutRefused("refund_failed", said.detail or "")
        if said.settled_at is None:
            return PayoutState(said.state)
        return Settlement(said.refund_id, said.application_id, said.amount_fen, said.settled_at)

    async def give_up(self, application: Mapping[str, Any], by: str, note: str) -> None:
        """Give up the payout that its channel could not bring home. Once more does no harm.

        Raises PayoutRefused where it is not abnormal any more, or another sum of it was paid, and Problem
        UPSTREAM_UNAVAILABLE.
        """
        refund_id = application["refund_id"]
        body = {"pool": application["pool"], "given_up_by": by, "note": note}
        try:
            await self.upstream.post(f"/v1/refunds/{refund_id}/give-up", body, key=f"give-up-{refund_id}")
        except UpstreamRefusal as refusal:
            if refusal.code in ("refund_not_abnormal", PAID_OTHERWISE):
                raise PayoutRefused(refusal.code, str(refusal.body.get("detail", ""))) from refusal
            raise UPSTREAM_UNAVAILABLE(name=self.upstream.name) from refusal


class RegistrationClient:
    """Registration's REST API, as far as refunds needs it."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def stated(self, pool: str, scheme: str) -> Stated | None:
        """What a scheme of the pool states about refunds; None where its notice has no word about them.

        Raises Problem SCHEME_UNKNOWN, UPSTREAM_UNAVAILABLE.
        """
        try:
            found = await self.upstream.get(f"/v1/schemes/{scheme}")
        except UpstreamRefusal as refusal:
            if refusal.status == 404:
                raise schemas.SCHEME_UNKNOWN(pool=pool, scheme=scheme) from refusal
            raise
        if found["pool"] != pool:
            raise schemas.SCHEME_UNKNOWN(pool=pool, scheme=scheme)
        return Stated.of(found["refund"]) if found["refund"] else None
