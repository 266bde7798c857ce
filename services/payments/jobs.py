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
        Job("fetch_wechat_certificates", 60, partial(usecases.fetch_wechat_certificates, service)),
        Job("fetch_unionpay_files", 30, partial(usecases.fetch_unionpay_files, service)),
        Job("fetch_wechat_bills", 30, partial(usecases.fetch_wechat_bills, service)),
        Job("close_superseded_orders", 2, partial(usecases.close_superseded_orders, service)),
        Job("apply_messages", 5, partial(usecases.apply_messages, service)),
        Job("take_ledger_batches", 1, partial(usecases.take_ledger_batches, service)),
        Job("take_statements", 1, partial(usecases.take_statements, service), wakes=("look_over_statements",)),
        Job("take_returns", 1, partial(usecases.take_returns, service)),
        Job("look_over_statements", 1, partial(usecases.look_over_statements, service)),
        Job("watch_money", 5, partial(usecases.watch_money, service)),
        Job("watch_vouchers", 600, partial(usecases.watch_vouchers, service)),
        Job("watch_reconciliation", 600, partial(usecases.watch_reconciliation, service)),
        Job("gather_tax_assessments", 60, partial(usecases.gather_tax_assessments, service)),
        Job("push_tax_assessments", 5, partial(usecases.push_tax_assessments, service)),
        Job("build_refund_packages", 5, partial(usecases.build_refund_packages, service)),
        Job("send_refund_packages", service.settings.follow_seconds, partial(usecases.send_refund_packages, service)),
        Job("settle_treasury_refunds", 5, partial(usecases.settle_treasury_refunds, service)),
        Job("number_books", 2, partial(usecases.number_books, service)),
        Job("prove_books", 60, partial(usecases.prove_books, service)),
        Job("forget_tax_nonces", 60, partial(usecases.forget_tax_nonces, service)),
    ]
