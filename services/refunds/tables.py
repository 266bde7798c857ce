"""Tables of refunds: the last line of defence. `pool` comes first in every key."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant, add_shared_tables

metadata = MetaData()
add_shared_tables(metadata)

application = Table(
    "application",
    metadata,
    Column("pool", Text, nullable=False),
    Column("application_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("person_id", Uuid),
    Column("region", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("cause", Text, nullable=False),  # what made the money due back where that is not the collection itself
    Column("late", Boolean, nullable=False),  # found by the system after the period: a person decides
    Column("state", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("applicant_name", Text, nullable=False),
    Column("applicant_id", Uuid),
    Column("explanation", Text),
    Column("reasons", Json, nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("checked_by", Text),
    Column("checked_at", Instant),
    Column("check_note", Text),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("decision_note", Text),
    Column("refund_id", Uuid),
    Column("shift_id", Uuid),
    Column("method", Text),
    Column("paid_by", Text),
    Column("payout_state", Text),  # where payments said that the payout stands
    Column("rerouted_by", Text),
    Column("paying_since", Instant),
    Column("asked_at", Instant),
    Column("payout_refusals", Json, nullable=False),
    Column("paid_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "application_id"),
    UniqueConstraint("pool", "refund_id", name="application_refund_once"),
    CheckConstraint(
        "state in ('requested', 'refused', 'checked', 'approved', 'paying', 'paid', 'rejected')",
        name="application_state",
    ),
    CheckConstraint("amount_fen > 0 or (state = 'refused' and amount_fen = 0)", name="application_amount"),
    CheckConstraint(
        "(state in ('refused', 'rejected')) = (jsonb_array_length(reasons) > 0)", name="application_reasons"
    ),
    CheckConstraint(
        "(state in ('requested', 'refused')) = (checked_by is null) and (checked_by is null) = (checked_at is null)",
        name="application_checked",
    ),
    CheckConstraint(
        "(state = 'rejected' or (state in ('approved', 'paying', 'paid')) = (decided_by is not null)) "
        "and (decided_by is null) = (decided_at is null)",
        name="application_decided",
    ),
    CheckConstraint(
        "num_nonnulls(refund_id, method, paid_by) = case when state in ('paying', 'paid') then 3 else 0 end "
        "and num_nonnulls(paying_since, asked_at) = case when state = 'paying' then 2 else 0 end",
        name="application_paying",
    ),
    CheckConstraint(
        "(shift_id is not null) = coalesce(method in ('cash', 'pos_return'), false)", name="application_shift"
    ),
    CheckConstraint(
        "payout_state is null or (state = 'paying' and payout_state in ('submitted', 'processing', 'abnormal'))",
        name="application_payout_state",
    ),
    CheckConstraint("(state = 'paid') = (paid_at is not null)", name="application_paid"),
    CheckConstraint(
        "checked_by <> requested_by and decided_by <> requested_by "
        "and paid_by <> requested_by and paid_by <> checked_by and paid_by <> decided_by "
        "and rerouted_by <> requested_by and rerouted_by <> paid_by",
        name="application_four_eyes",
    ),
    Index(
        "application_standing",
        *("pool", "collection_id", "cause"),
        unique=True,
        postgresql_where=text("state not in ('refused', 'rejected')"),
    ),
    Index(
        "application_found_once",
        *("pool", "collection_id", "cause"),
        unique=True,
        postgresql_where=text("requested_by = 'system'"),
    ),
    Index("application_state_id", "pool", "state", "application_id"),
    Index("application_person", "pool", "person_id"),
    Index("application_asked", "pool", "asked_at", postgresql_where=text("state = 'paying'")),
)
