"""Acts before the money: departments hand over lists, the agency publishes the package, villages hand in rosters."""

import asyncio
import time
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from deploy.local import places
from services.registration.formats.overlay import apply_overlay

from .department_system import DepartmentSystem
from .notebook import Notebook
from .wire import Reply, Unexpected, Wire

Act = dict[str, Any]
_PACKAGES = places.ROOT / "services/registration/packages"
_JUDGING_SECONDS = 300.0
_POLL_SECONDS = 0.1


class Lists:
    """Feeds, package, units, rosters, and people who register on their own."""

    def __init__(self, wire: Wire, notebook: Notebook, folder: Path) -> None:
        self._wire = wire
        self._notebook = notebook
        self._folder = folder

    async def hand_in_feed(self, act: Act) -> None:
        """A department hands over a list and waits until every row of it is judged."""
        path = self._folder / act["file"]
        params = {"pool": self._wire.pool, "supplier": act["supplier"], "file_name": path.name}
        params |= act.get("manifest", {})
        key, by = f"act-{act['n']}", act["by"]
        content = await asyncio.to_thread(path.read_bytes)
        if act.get("signed"):
            sign = DepartmentSystem(act["supplier"]).sign
            reply = await self._wire.hand_over(
                "eligibility", "/v1/feeds/signed", content=content, params=params, sign=sign
            )
        else:
            reply = await self._wire.post("eligibility", by, "/v1/feeds", key=key, content=content, params=params)
        feed = await self._taken(reply, "eligibility", by, f"/v1/feeds/{reply.body['feed_id']}", "held")
        self._notebook.feeds[act["file"]] = feed["feed_id"]
        wanted = (act.get("state", "taken"), act.get("returned", feed["rows_rejected"]))
        if (feed["state"], feed["rows_rejected"]) != wanted:
            said = f"{feed['state']}, {feed['rows_rejected']} rows go back"
            self._notebook.surprise(act["n"], f"the list {path.name} is {said}; awaited was {wanted}")
        if feed["rows_rejected"]:
            await self._look_at_rejected("eligibility", by, f"/v1/feeds/{feed['feed_id']}/rejected")
        # Who is on a list of changes may have another bill now; who has paid keeps the slip that was paid.
        self._notebook.without_slip.update(self._notebook.persons[number] for number in act.get("changes", []))

    async def draft_package(self, act: Act) -> None:
        """The agency's first officer hands in the scheme-year package and gives his word that it is whole."""
        content = await asyncio.to_thread(_package, act["scheme"])
        key = f"act-{act['n']}"
        reply = await self._wire.post("registration", act["by"], "/v1/packages", key=key, content=content)
        version = self._notebook.packages[act["scheme"]] = reply.body["version"]
        validate, answers = f"/v1/packages/{act['scheme']}/{version}/validate", list[dict[str, str]]()
        body = {"answers": answers}
        reply = await self._wire.post("registration", act["by"], validate, key=f"{key}-a", body=body, may_refuse=True)
        if reply.code == "warnings_unanswered":
            answers += (
                {"pointer": one["pointer"], "code": one["code"], "answer": "原文如此"} for one in reply.body["errors"]
            )
            await self._wire.post("registration", act["by"], validate, key=f"{key}-b", body=body)

    async def publish_package(self, act: Act) -> None:
        """The second officer publishes it; from then on it does not change."""
        path = f"/v1/packages/{act['scheme']}/{self._notebook.packages[act['scheme']]}/publish"
        await self._wire.post("registration", act["by"], path, key=f"act-{act['n']}")

    async def make_unit(self, act: Act) -> None:
        """A village, a school or the agency is made known."""
        unit = {name: act[name] for name in ("unit_code", "name", "kind", "region")}
        body = {"pool": self._wire.pool, **unit}
        await self._wire.post("registration", act["by"], "/v1/units", key=f"act-{act['n']}", body=body)

    async def hand_in_roster(self, act: Act, scheme: str) -> None:
        """A unit hands in its roster, waits until it is taken, and notes who is who on it."""
        path = self._folder / act["file"]
        params = {"pool": self._wire.pool, "scheme": scheme, "unit_code": act["unit_code"], "file_name": path.name}
        key, by = f"act-{act['n']}", act["by"]
        content = await asyncio.to_thread(path.read_bytes)
        reply = await self._wire.post("registration", by, "/v1/rosters", key=key, content=content, params=params)
        roster = await self._taken(reply, "registration", by, f"/v1/rosters/{reply.body['roster_id']}")
        numbers = await asyncio.to_thread(_numbers_by_row, path)
        rows = self._wire.items("registration", by, f"/v1/rosters/{roster['roster_id']}/rows", pool=self._wire.pool)
        async for row in rows:
            if row["person_id"] is not None:
                self._notebook.persons[numbers[row["row"]]] = row["person_id"]
                if row["outcome"] == "enrolled":
                    self._notebook.without_slip.add(row["person_id"])
                    self._notebook.enrolments[row["person_id"]] = row["enrolment_id"]
        if roster["rows_rejected"] + roster["rows_refused"]:
            await self._look_at_rejected("registration", by, f"/v1/rosters/{roster['roster_id']}/rejected")

    async def enrol(self, act: Act, scheme: str) -> None:
        """One person registers: a newcomer at the agency, a newborn at village or agency."""
        person = act["person"]
        body = {
            "pool": self._wire.pool,
            "scheme": scheme,
            "unit_code": act["unit_code"],
            "enrolment": act["enrolment"],
            "person": {
                "name": person["name"],
                "document": person.get("document") or {"type": "resident_id", "number": person["identity_number"]},
                "hukou": person["hukou"],
                "residence": person["residence"],
                "household_no": person["household_no"],
            },
            "documents": act["documents"],
        }
        reply = await self._wire.post("registration", act["by"], "/v1/enrolments", key=f"act-{act['n']}", body=body)
        if reply.body["outcome"] == "enrolled":
            person_id = reply.body["person_id"]
            self._notebook.persons[person["identity_number"]] = person_id
            self._notebook.enrolments[person_id] = reply.body["enrolment"]["enrolment_id"]
            if reply.body["assessment"]["payable_fen"]:
                self._notebook.without_slip.add(person_id)

    async def reassess(self, act: Act) -> None:
        """Somebody who did not pay in time comes to the agency, which works out what is due today."""
        person_id = self._notebook.persons[act["insured"]]
        path = f"/v1/enrolments/{self._notebook.enrolments[person_id]}/reassess"
        body = {"pool": self._wire.pool}
        reply = await self._wire.post("registration", act["by"], path, key=f"act-{act['n']}", body=body)
        if reply.body["outcome"] != "enrolled":
            self._notebook.surprise(act["n"], f"nothing is taken of a late payer: {reply.body['reasons']}")
        self._notebook.without_slip.add(person_id)

    async def _taken(self, reply: Reply, service: str, by: str, path: str, *ends: str) -> dict[str, Any]:
        """The list once all its rows are judged; it may also come to one of `ends`."""
        deadline = time.monotonic() + _JUDGING_SECONDS
        body = reply.body
        while body["state"] not in ("taken", *ends):
            if time.monotonic() > deadline:
                raise Unexpected(f"{service} {path}: not taken in {_JUDGING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
            body = (await self._wire.get(service, by, path, pool=self._wire.pool)).body
        return body

    async def _look_at_rejected(self, service: str, by: str, path: str) -> None:
        """The clerk fetches the rows that came back, in the form in which they were sent."""
        await self._wire.get(service, by, path, pool=self._wire.pool)


def _package(scheme: str) -> bytes:
    """The notice's package; where it leaves figures open, with those of the local overlay."""
    content = (_PACKAGES / f"{scheme}.yaml").read_bytes()
    overlay = _PACKAGES / "overlays" / f"{scheme}.demo.yaml"
    return apply_overlay(content, overlay.read_bytes()) if overlay.exists() else content


def _numbers_by_row(path: Path) -> dict[int, str]:
    """Identity numbers by row of the sheet (the header is row 1), as the clerk's own copy has them."""
    header, *rows = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    column = header.index("身份证号")
    return {row: str(cells[column]).strip().upper() for row, cells in enumerate(rows, 2)}
