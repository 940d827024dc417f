"""How a journey says what it expects, and what it does when that is not so."""
import time


class Failure(AssertionError):
    """What a journey expected and did not find."""


class Skip(Exception):
    """The machine lacks what this test needs; the sentence says what."""


def expect(condition, sentence):
    if not condition:
        raise Failure(sentence)


def expect_equal(actual, expected, what):
    expect(actual == expected, f"{what}: {actual!r}, expected {expected!r}")


def expect_in(needle, haystack, what):
    expect(needle in haystack, f"{what} does not contain {needle!r}: {str(haystack)[-1500:]!r}")


def eventually(check, timeout, sentence, every=0.1):
    """Waits until `check()` gives something true, and returns it. An exception in `check` counts as not yet."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = value
        except (Failure, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise Failure(f"not after {timeout} s: {sentence} (last: {last})")
        time.sleep(every)
