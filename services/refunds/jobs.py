"""What refunds does without a request."""

from collections.abc import Sequence
from functools import partial

from shared.events import Follower
from shared.jobs import Job

from . import usecases


def followers(service: usecases.Refunds) -> Sequence[Follower]:
    """The feeds refunds follows."""
    return [Follower(service.database, service.payments.upstream, usecases.learn_payments)]


def jobs(service: usecases.Refunds, following: Sequence[Follower]) -> Sequence[Job]:
    """The loops refunds runs."""
    return [
        *(Job(f"follow_{follower.source}", service.settings.follow_seconds, follower.work) for follower in following),
        Job("ask_again", service.settings.ask_again_seconds, partial(usecases.ask_again, service)),
    ]
