"""Money is integer fen (分, 1/100 yuan). Nothing here does I/O, and no float comes near it.

The only rounding of the suite stands in `percent_of`: half a fen goes up, so that a share of help is never short.
"""


def percent_of(amount_fen: int, percent: int) -> int:
    """`percent` per cent of `amount_fen` in fen, half a fen up."""
    if amount_fen < 0 or not 0 <= percent <= 100:
        raise ValueError(f"not a share of an amount: {percent} % of {amount_fen} fen")
    return (amount_fen * percent + 50) // 100


def yuan(amount_fen: int) -> str:
    """Text for people: 30000 -> '300.00'."""
    sign = "-" if amount_fen < 0 else ""
    whole, rest = divmod(abs(amount_fen), 100)
    return f"{sign}{whole:,}.{rest:02d}"
