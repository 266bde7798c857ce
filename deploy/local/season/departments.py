"""What happens to lists after they came: a second person's word, taking back, the work list; what an auditor asks."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

from .department_system import DepartmentSystem
from .notebook import Notebook
from .wire import Unexpected, Wire

Act = dict[str, Any]
ANSWERS = "answers.jsonl"
"""In the season's folder: what was answered to each question, for whoever works it out again."""

_TAKING_BACK_SECONDS = 120.0
_POLL_SECONDS = 0.1


class Departments:
    """Decisions on lists, and questions about what they said."""

    def __init__(self, wire: Wire, notebook: Notebook, folder: Path) -> None:
        self._wire = wire
        self._notebook = notebook
        self._answers = folder / ANSWERS
        self._answers.unlink(missing_ok=True)

    async def decide_feed(self, act: Act) -> None:
        """A second person lets a full list end what it does not name, or not."""
        step = {"approved": "approve", "rejected": "reject"}[act["result"]]
        wanted = {"approved": "taken", "rejected": "declined"}[act["result"]]
        await self._move(act, step, wanted)

    async def withdraw_feed(self, act: Act) -> None:
        """A list is taken back, and what rested on it with it."""
        await self._move(act, "withdraw", "withdrawn", {"reason": act["reason"]})
        self._notebook.without_slip.update(self._notebook.persons[number] for number in act["changes"])

    async def decide_match(self, act: Act) -> None:
        """A clerk says whom a name on the work list means: the only candidate there is."""
        found = self._wire.items("eligibility", act["by"], "/v1/matches", pool=self._wire.pool)
        cases = [case async for case in found if case["name"] == act["name"]]
        if [len(case["candidates"]) for case in cases] != [1]:
            self._notebook.surprise(act["n"], f"{len(cases)} cases on the work list")
            return
        [case] = cases
        await self._wire.post(
            "eligibility",
            act["by"],
            f"/v1/matches/{case['case_id']}/decide",
            key=f"act-{act['n']}",
            body={"person_id": case["candidates"][0]["person_id"]},
            params={"pool": self._wire.pool},
            if_match=f'"{case["version"]}"',
        )

    async def record_key(self, act: Act) -> None:
        """The agency records with which key a department's own system signs."""
        system = DepartmentSystem(act["supplier"])
        body = {"key_id": system.key_id, "public_key": system.public_key}
        path, params = f"/v1/suppliers/{act['supplier']}/keys", {"pool": self._wire.pool}
        await self._wire.post("eligibility", act["by"], path, key=f"act-{act['n']}", body=body, params=params)

    async def look_for_double_cover(self, act: Act) -> None:
        """An auditor asks who is covered elsewhere too, and keeps the answer."""
        numbers = {person_id: number for number, person_id in self._notebook.persons.items()}
        found = self._wire.items("registration", act["by"], "/v1/duplicate-cover", pool=self._wire.pool)
        twice = sorted({numbers[item["person_id"]] async for item in found})
        self._keep({"n": act["n"], "covered_twice": twice})

    async def look_up(self, act: Act) -> None:
        """An auditor asks who held what on a day, as it was known at an instant, and keeps the answer."""
        known = {
            self._notebook.persons[number]: number for number in act["insured"] if number in self._notebook.persons
        }
        body = {"pool": self._wire.pool, "as_of": act["as_of"], "known_at": act["known_at"], "person_ids": list(known)}
        reply = await self._wire.post("eligibility", act["by"], "/v1/statuses/query", key=f"act-{act['n']}", body=body)
        held = {
            known[item["person_id"]]: sorted({status["code"] for status in item["statuses"]})
            for item in reply.body["items"]
        }
        self._keep({"n": act["n"], "as_of": act["as_of"], "known_at": act["known_at"], "held": held})

    def _keep(self, answer: dict[str, Any]) -> None:
        with self._answers.open("a", encoding="utf-8") as answers:
            answers.write(json.dumps(answer, ensure_ascii=False) + "\n")

    async def _move(self, act: Act, step: str, wanted: str, body: dict[str, str] | None = None) -> None:
        """Take a step with a list, and wait until the job has carried it out."""
        path, pool = f"/v1/feeds/{self._notebook.feeds[act['file']]}", self._wire.pool
        feed = await self._wire.get("eligibility", act["by"], path, pool=pool)
        await self._wire.post(
            "eligibility",
            act["by"],
            f"{path}/{step}",
            key=f"act-{act['n']}",
            body=body,
            params={"pool": pool},
            if_match=feed.etag,
        )
        deadline = time.monotonic() + _TAKING_BACK_SECONDS
        while (await self._wire.get("eligibility", act["by"], path, pool=pool)).body["state"] != wanted:
            if time.monotonic() > deadline:
                raise Unexpected(f"eligibility {path}: not {wanted} in {_TAKING_BACK_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
