"""What payments does without a request."""

from collections.abc import Sequence
from functools import partial

from shared.events import Follower
from shared.jobs import Job

from . import usecases


def followers(service: usecases.Payments) -> Sequence[Follower]:
    """The feeds payments follows."""
    return [Follower(service.database, service.registration.upstream, usecases.learn_assessments)]


def jobs(service: usecases.Payments, following: Sequence[Follower]) -> Sequence[Job]:
    """The loops payments runs."""
    return [
        *(Job(f"follow_{follower.source}", service.settings.follow_seconds, follower.work) for follower in following),
        Job("ask_refunds", service.settings.follow_seconds, partial(usecases.ask_refunds, service)),
        Job("ask_orders", 1, partial(usecases.ask_orders, service)),
        Job("close_superseded_orders", 2, partial(usecases.close_superseded_orders, service)),
        Job("apply_messages", 5, partial(usecases.apply_messages, service)),
        Job("take_statements", 1, partial(usecases.take_statements, service)),
        Job("look_over_statements", 1, partial(usecases.look_over_statements, service)),
        Job("watch_reconciliation", 600, partial(usecases.watch_reconciliation, service)),
        Job("forget_tax_nonces", 60, partial(usecases.forget_tax_nonces, service)),
    ]
