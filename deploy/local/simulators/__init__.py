"""Channels of the local run: each speaks its own protocol as its partner would, and shares no code with services/."""
