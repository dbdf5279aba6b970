"""Guessing is made slow."""

import pytest

from murai.booth.tries import MOST, Tries


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def tries(now: list[float]) -> Tries:
    return Tries(3, 10.0, 60.0, clock=lambda: now[0])


def test_each_guess_after_the_free_ones_makes_the_wait_twice_as_long(tries: Tries, now: list[float]) -> None:
    waits = []
    for _ in range(7):
        waits.append(tries.wait("a"))
        now[0] += waits[-1]
        tries.wrong("a")
    assert waits == [0, 0, 0, 10, 20, 40, 60]
    assert tries.wait("b") == 0
    now[0] += 59
    assert tries.wait("a") == 1


def test_who_is_quiet_or_right_begins_anew(tries: Tries, now: list[float]) -> None:
    for who in "ab":
        for _ in range(4):
            tries.wrong(who)
    tries.right("a")
    assert (tries.wait("a"), tries.wait("b")) == (0, 20)
    now[0] += 61
    tries.wrong("b")
    assert tries.wait("b") == 0


def test_a_crowd_does_not_fill_the_memory_nor_overflow(tries: Tries) -> None:
    for number in range(MOST + 10):
        tries.wrong(str(number))
    assert len(tries._wrong) == MOST
    for _ in range(5000):
        tries.wrong("a")
    assert tries.wait("a") == 60
