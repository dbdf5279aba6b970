"""A generator read in a thread of its own."""

import threading
import time
from collections.abc import Generator

import pytest

from murai.sources.background import Background
from tests.sources.kit import closed_from_another_thread


def test_items_arrive_in_order_none_is_passed_over_and_the_end_is_none() -> None:
    items = (n for n in (None, 1, None, 2, 3))
    background = Background(items, name="test")
    assert [background.get(5) for _ in range(5)] == [1, 2, 3, None, None]


def test_an_error_arrives_once_and_after_the_items_before_it() -> None:
    def items() -> Generator[int, None, None]:
        yield 1
        raise OSError("gone")

    background = Background(items(), name="test")
    assert background.get(5) == 1
    with pytest.raises(OSError, match="gone"):
        background.get(5)
    assert background.get(5) is None


def test_silence_is_a_timeout_and_the_next_item_still_comes() -> None:
    go = threading.Event()

    def items() -> Generator[int, None, None]:
        go.wait()
        yield 1

    background = Background(items(), name="test")
    with pytest.raises(TimeoutError):
        background.get(0.05)
    go.set()
    assert background.get(5) == 1


def test_at_most_one_item_waits() -> None:
    drawn: list[int] = []

    def items() -> Generator[int, None, None]:
        for n in range(100):
            drawn.append(n)
            yield n

    background = Background(items(), name="test")
    assert background.get(5) == 0
    time.sleep(0.1)
    assert len(drawn) <= 3
    background.close()


def test_closing_wakes_a_reader_although_the_generator_hangs() -> None:
    go = threading.Event()
    freed = threading.Event()

    def items() -> Generator[int | None, None, None]:
        try:
            go.wait()
            yield None
        finally:
            freed.set()

    background = Background(items(), name="test")
    closing = closed_from_another_thread(background.close, after=0.1)
    assert background.get(60) is None
    assert not freed.is_set()
    go.set()
    assert freed.wait(5)
    closing.join()


def test_closing_frees_what_a_full_slot_holds_back() -> None:
    freed = threading.Event()

    def items() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            freed.set()

    background = Background(items(), name="test")
    assert background.get(5) == 1
    background.close()
    background.close()
    assert freed.wait(5)
    assert background.get(5) is None
