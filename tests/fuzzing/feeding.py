"""Feeds one parser until the time is over: `python -m tests.fuzzing.feeding TARGET` and libFuzzer's options."""

import sys

import atheris

with atheris.instrument_imports(include=["services", "shared"]):
    from .targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
