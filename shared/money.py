"""Money is integer fen (分, 1/100 yuan). Nothing here does I/O, and no float comes near it.

The only rounding of the suite stands in `percent_of`: half a fen goes up, so that a share of help is never short.
"""

import re


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


def capitals(amount_fen: int) -> str:
    """Chinese capitals as on receipts and cheques (大写金额): 30050 -> '叁佰元伍角整'. Raises ValueError below 0."""
    if amount_fen < 0 or amount_fen >= 10**14:
        raise ValueError(f"not an amount for a receipt: {amount_fen} fen")
    whole, rest = divmod(amount_fen, 100)
    dimes, cents = divmod(rest, 10)
    text = _capital_number(whole) + "元" if whole or not rest else ""
    if not rest:
        return text + "整"
    tenths = f"{_CAPITALS[dimes]}角" if dimes else "零" * bool(whole)
    return text + tenths + (f"{_CAPITALS[cents]}分" if cents else "整")


def _capital_number(number: int) -> str:
    text, skipped = "", False
    for power, unit in ((8, "亿"), (4, "万"), (0, "")):
        four = number // 10**power % 10_000
        if not four:
            skipped = bool(text)
            continue
        if text and (skipped or four < 1_000):
            text += "零"
        text, skipped = text + _capital_four(four) + unit, False
    return text or "零"


def _capital_four(four: int) -> str:
    digits = [(int(digit), unit) for digit, unit in zip(f"{four:04d}", ("仟", "佰", "拾", ""), strict=True)]
    written = "".join(_CAPITALS[digit] + unit if digit else "零" for digit, unit in digits)
    return re.sub("零+", "零", written).strip("零")


_CAPITALS = "零壹贰叁肆伍陆柒捌玖"
