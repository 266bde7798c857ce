"""The books: accounts, sums, and the four figures that must agree."""

from pydantic import BaseModel, Field

from shared.codes import Channel


class Account(BaseModel):
    """An account of the fund ledger."""

    account: str = Field(description="Name", examples=["special_account"])
    debit_fen: int = Field(description="Sum of debits, in fen", examples=[640000])
    credit_fen: int = Field(description="Sum of credits, in fen", examples=[0])
    balance_fen: int = Field(description="Debits less credits, in fen", examples=[640000])


class Accounts(BaseModel):
    """All accounts of a pool; the balances sum to zero."""

    items: list[Account] = Field(description="One entry per account", examples=[[]])


class Figure(BaseModel):
    """Persons who paid, as one book knows them."""

    heads: int = Field(description="Persons", examples=[1200])
    amount_fen: int = Field(description="Their money, in fen", examples=[38400000])
    digest: str = Field(description="Order-free mark of the set of persons", examples=["81235"])


class FourWay(BaseModel):
    """四一致: money, heads, roster and receipts agree."""

    money: bool = Field(description="Ledger, collections and bills hold the same money", examples=[True])
    heads: bool = Field(description="Bills and collections hold the same persons", examples=[True])
    roster: bool = Field(description="Registration's roster marks the same persons as paid", examples=[True])
    receipts: bool = Field(description="Valid receipts stand for the same persons and money", examples=[True])
    bills: Figure = Field(description="By paid bills", examples=[{"heads": 1, "amount_fen": 30000, "digest": "8"}])
    collections: Figure = Field(
        description="By collections", examples=[{"heads": 1, "amount_fen": 30000, "digest": "8"}]
    )
    valid_receipts: Figure = Field(
        description="By receipts", examples=[{"heads": 1, "amount_fen": 30000, "digest": "8"}]
    )
    paid_roster: Figure = Field(
        description="By the roster", examples=[{"heads": 1, "amount_fen": 30000, "digest": "8"}]
    )
    ledger_fen: int = Field(description="Premiums of persons in the ledger, in fen", examples=[30000])


class CountedSum(BaseModel):
    """A count and a sum."""

    count: int = Field(description="How many", examples=[12])
    amount_fen: int = Field(description="Sum in fen", examples=[384000])


class Collected(CountedSum):
    """All money taken, doubles and suspense included."""

    by_channel: dict[Channel, CountedSum] = Field(
        description="By channel", examples=[{"counter": {"count": 12, "amount_fen": 384000}}]
    )
    by_outcome: dict[str, CountedSum] = Field(
        description="By outcome", examples=[{"settled": {"count": 12, "amount_fen": 384000}}]
    )


class ReceiptFigures(BaseModel):
    """The receipt books."""

    issued: int = Field(description="Issued, the voided included", examples=[12])
    voided: int = Field(description="Voided", examples=[1])
    gaps: int = Field(description="Numbers that are missing", examples=[0])
    duplicates: int = Field(description="Numbers that stand twice", examples=[0])


class Funds(BaseModel):
    """The fund ledger in a few figures."""

    ledger_sum_fen: int = Field(description="Sum of all balances; 0", examples=[0])
    special_account_fen: int = Field(description="Balance of the special account", examples=[352000])
    held_fen: int = Field(description="Still held by open shifts", examples=[0])
    surplus_fen: int = Field(description="Surplus not yet paid back", examples=[0])
    suspense_fen: int = Field(description="In suspense", examples=[0])
    claims_due_fen: int = Field(description="Claimed from other payers for settled bills", examples=[2800000])
    claims_received_fen: int = Field(description="Received on these claims", examples=[0])


class Summary(BaseModel):
    """What a pool's money came to."""

    collected: Collected = Field(
        description="Money taken", examples=[{"count": 0, "amount_fen": 0, "by_channel": {}, "by_outcome": {}}]
    )
    receipts: ReceiptFigures = Field(
        description="Receipts", examples=[{"issued": 0, "voided": 0, "gaps": 0, "duplicates": 0}]
    )
    refunds: CountedSum = Field(description="Money paid back", examples=[{"count": 0, "amount_fen": 0}])
    funds: Funds = Field(
        description="Ledger",
        examples=[{
            "ledger_sum_fen": 0, "special_account_fen": 0, "held_fen": 0, "surplus_fen": 0, "suspense_fen": 0,
            "claims_due_fen": 0, "claims_received_fen": 0,
        }],
    )  # fmt: skip
