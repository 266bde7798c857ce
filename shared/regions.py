"""Division codes (GB/T 2260 county, GB/T 10114 town, NBS village): 6, 9 or 12 digits, the longer inside the shorter.

Medical-insurance divisions know codes that no national list has (codes.md C1), so only the shape is checked.
"""

import re

# [0-9], because \d also stands for the digits of other scripts.
REGION_PATTERN = r"^[1-9][0-9]{5}([0-9]{3}([0-9]{3})?)?$"
POOL_PATTERN = r"^[0-9]{6}$"

_REGION = re.compile(REGION_PATTERN)


def is_region(code: str) -> bool:
    """Whether `code` has the shape of a division code: 6, 9 or 12 digits."""
    return _REGION.fullmatch(code) is not None


def pool_prefix(pool: str) -> str:
    """What every region inside the pool begins with: a county's six digits, a city's four (its trailing 00 dropped)."""
    return pool[:4] if pool.endswith("00") else pool


def in_pool(region: str, pool: str) -> bool:
    """Whether `region` lies inside the pooling area."""
    return region.startswith(pool_prefix(pool))


def area_covers(area: str, region: str) -> bool:
    """Whether a token's area (a region prefix, empty = everywhere) takes in `region`."""
    return region.startswith(area)


def area_covers_pool(area: str, pool: str) -> bool:
    """Whether a token's area takes in the whole pooling area."""
    return pool_prefix(pool).startswith(area) or pool == area
