"""Lists that came too late: a person at the agency lets them count, or does not (A004-11)."""

from collections import Counter
from typing import Any

from .notebook import Notebook
from .wire import Unexpected, Wire

Act = dict[str, Any]
_OFFICER = "agency-officer-b"


class Cases:
    """Status cases of registration."""

    def __init__(self, wire: Wire, notebook: Notebook) -> None:
        self._wire = wire
        self._notebook = notebook

    async def kinds(self, scheme: str) -> Counter[str]:
        """How many cases of each kind there have been, and how they ended."""
        found = self._wire.items("registration", _OFFICER, "/v1/status-cases", pool=self._wire.pool, scheme=scheme)
        return Counter([f"{each['kind']} ({each['state']})" async for each in found])

    async def decide_case(self, act: Act, scheme: str) -> None:
        """Approve or decline the open case of somebody."""
        person_id = self._notebook.persons[act["insured"]]
        about: dict[str, Any] = {"pool": self._wire.pool, "scheme": scheme, "state": "open"}
        cases = self._wire.items("registration", act["by"], "/v1/status-cases", **about)
        case = next((case for case in [each async for each in cases] if case["person_id"] == person_id), None)
        if case is None:
            raise Unexpected(f"there is no open case of {act['insured']}, about whom a list came too late")
        body = {"pool": self._wire.pool, "result": act["result"], "note": act["note"]}
        path, etag = f"/v1/status-cases/{case['case_id']}/decide", f'"{case["version"]}"'
        await self._wire.post("registration", act["by"], path, key=f"act-{act['n']}", body=body, if_match=etag)
