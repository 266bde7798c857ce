"""Bills, collections, receipts, the fund ledger: money in, and the way back."""
