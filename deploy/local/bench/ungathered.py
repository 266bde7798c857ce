"""Payments as it would be without group commit, so that the bench can tell what gathering costs whoever comes alone."""

from collections.abc import Collection, Hashable
from dataclasses import replace

from fastapi import FastAPI

from services.payments import app as payments
from shared.gathering import Commit, Done, Gatherer, Item


class Ungathered(Gatherer):
    """Commits each item by itself, in the request that brings it."""

    async def submit(
        self, name: str, pool: str, item: Item, marks: Collection[Hashable], commit: Commit[Item, Done]
    ) -> Done:
        """What became of `item`, once it is committed."""
        del name, pool, marks
        (answer,) = await commit([item])
        if isinstance(answer, Exception):
            raise answer
        return answer


def create_app() -> FastAPI:
    """Payments, its single payments not gathered."""
    app = payments.create_app()
    app.state.service = replace(app.state.service, gatherer=Ungathered())
    return app
