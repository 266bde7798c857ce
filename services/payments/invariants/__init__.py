"""What must hold in payments at any moment: queries that find nothing. An edit behind the services' back shows here."""

from . import bank, collecting, orders, reconciling, remitting
from .waiting import ALARMS

__all__ = ["ALARMS", "INVARIANTS"]

INVARIANTS = (
    *bank.INVARIANTS,
    *collecting.INVARIANTS,
    *orders.INVARIANTS,
    *remitting.INVARIANTS,
    *reconciling.INVARIANTS,
)
