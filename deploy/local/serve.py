"""Factories for uvicorn: each service with the clock of the local run. Called only in the process that serves."""

import importlib
import os
import signal

from fastapi import FastAPI

from deploy.local import issuer as token_issuer
from deploy.local import places
from deploy.local.clock import suite_clock
from deploy.local.launch import die_with_parent
from deploy.local.simulators import bank as bank_simulator
from deploy.local.simulators import pos as pos_simulator
from deploy.local.simulators import tax as tax_simulator
from deploy.local.simulators import unionpay as unionpay_simulator
from deploy.local.simulators import wechat as wechat_simulator


def issuer() -> FastAPI:
    """The token issuer."""
    return token_issuer.create_app()


def eligibility() -> FastAPI:
    """The eligibility service."""
    return _service("eligibility")


def registration() -> FastAPI:
    """The registration service."""
    return _service("registration")


def payments() -> FastAPI:
    """The payments service."""
    return _service("payments")


def refunds() -> FastAPI:
    """The refunds service."""
    return _service("refunds")


def bank() -> FastAPI:
    """The banks that collect for payments, simulated."""
    return bank_simulator.create_app(books=places.SIMULATORS / "bank.jsonl")


def pos() -> FastAPI:
    """The card terminals of the counters and their acquirer, simulated."""
    return pos_simulator.create_app(books=places.SIMULATORS / "pos.jsonl")


def tax() -> FastAPI:
    """The tax bureau, simulated."""
    return tax_simulator.create_app(books=places.SIMULATORS / "tax.jsonl")


def unionpay() -> FastAPI:
    """UnionPay, simulated."""
    return unionpay_simulator.create_app(books=places.SIMULATORS / "unionpay.jsonl")


def wechat() -> FastAPI:
    """WeChat Pay, simulated."""
    return wechat_simulator.create_app(books=places.SIMULATORS / "wechat.jsonl")


def _service(name: str) -> FastAPI:
    # One of several workers is a child of uvicorn's, which may be killed: it must not keep the port then. The first
    # process of a container is nobody's child, and its workers die with it.
    if os.getpid() != 1:
        die_with_parent(signal.SIGKILL)
    application = importlib.import_module(f"services.{name}.app").create_app(clock=suite_clock())
    assert isinstance(application, FastAPI)
    return application
