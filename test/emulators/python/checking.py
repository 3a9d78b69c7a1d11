"""What the checks by each cloud's own Python clients have in common: one line of output for each check."""

import json
import traceback

CHECKS = []


def refused(kind, call, *arguments, **parameters):
    """The call must end with an error of this class; returns it."""
    try:
        call(*arguments, **parameters)
    except Exception as error:
        assert type(error) is kind, f"{error!r} instead of {kind.__name__}"
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def check(function):
    CHECKS.append(function)
    return function


def run():
    """Runs every check; one line of JSON for each."""
    for function in CHECKS:
        problem = None
        try:
            function()
        except Exception:
            problem = traceback.format_exc(limit=3)
        print(json.dumps({"name": function.__name__, "problem": problem}), flush=True)
