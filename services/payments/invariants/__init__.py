"""What must hold in payments at any moment: queries that find nothing. An edit behind the services' back shows here."""

from . import bank, blocks, collecting, orders, receipts, reconciling, remitting, tax_assessments, treasury, withholding
from .waiting import ALARMS as WAITING

__all__ = ["ALARMS", "INVARIANTS"]

INVARIANTS = (
    *bank.INVARIANTS,
    *blocks.INVARIANTS,
    *collecting.INVARIANTS,
    *orders.INVARIANTS,
    *receipts.INVARIANTS,
    *remitting.INVARIANTS,
    *reconciling.INVARIANTS,
    *treasury.INVARIANTS,
    *withholding.INVARIANTS,
)
ALARMS = (*WAITING, *tax_assessments.ALARMS, *treasury.ALARMS, *withholding.ALARMS)
