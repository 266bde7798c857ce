"""The order of preference between two covers of the same days: the data file `duplicate_cover.yaml`."""

from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from ..rules import Preference, check_order

_FILE = Path(__file__).parent.parent / "duplicate_cover.yaml"
_ORDER: TypeAdapter[list[Preference]] = TypeAdapter(list[Preference])


def read_preferences(data: bytes) -> list[Preference]:
    """The entries in their order. Raises pydantic's ValidationError for what cannot be meant, ValueError for an order
    that is silent somewhere."""
    order = _ORDER.validate_python(yaml.safe_load(data))
    check_order(order)
    return order


@cache
def preferences() -> list[Preference]:
    """The order of this deployment."""
    return read_preferences(_FILE.read_bytes())
