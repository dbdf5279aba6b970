"""The queue between two threads."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murai.mailbox import Closed, Mailbox
from tests.shows import SOON


def test_a_mailbox_that_keeps_all_gives_everything_in_order_and_then_ends() -> None:
    box: Mailbox[int] = Mailbox(3, keep="all")
    for item in range(3):
        box.put(item)
    box.close()
    assert list(box) == [0, 1, 2]
    with pytest.raises(Closed):
        box.put(3)


def test_a_mailbox_that_keeps_the_latest_forgets_the_oldest_and_counts_it() -> None:
    box: Mailbox[int] = Mailbox(2, keep="latest")
    for item in range(5):
        box.put(item)
    assert (len(box), box.forgotten) == (2, 3)
    box.close()
    assert list(box) == [3, 4]


def test_an_aborted_mailbox_is_empty_and_counts_what_it_dropped() -> None:
    box: Mailbox[int] = Mailbox(5, keep="all")
    box.put(1)
    box.put(2)
    box.abort()
    with pytest.raises(Closed):
        box.put(3)
    assert list(box) == []
    assert box.forgotten == 3


@pytest.mark.parametrize("end", ["close", "abort"])
@pytest.mark.parametrize("full", [True, False])
def test_closing_a_mailbox_wakes_whoever_waits_at_it(end: str, full: bool) -> None:
    box: Mailbox[int] = Mailbox(1, keep="all")
    if full:
        box.put(0)
    woken = threading.Event()

    def wait() -> None:
        with pytest.raises(Closed):
            box.put(1) if full else box.get()
        woken.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not woken.wait(0.05)
    getattr(box, end)()
    assert woken.wait(SOON)
    thread.join()


def test_a_mailbox_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="place"):
        Mailbox(0)


@settings(max_examples=30, deadline=None)
@given(items=st.lists(st.integers(), max_size=60), size=st.integers(1, 8))
def test_a_mailbox_between_two_threads_is_a_queue(items: list[int], size: int) -> None:
    box: Mailbox[int] = Mailbox(size, keep="all")

    def fill() -> None:
        for item in items:
            box.put(item)
        box.close()

    thread = threading.Thread(target=fill)
    thread.start()
    assert list(box) == items
    thread.join()
