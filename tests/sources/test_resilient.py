"""A source that is lost and comes back: scripted losses, then a real server killed and started again."""

import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, pairwise, takewhile

import numpy as np
import pytest

from murai.errors import SourceError, StreamLost
from murai.frame import Frame, StreamInfo
from murai.sources.resilient import Resilient
from murai.sources.url import UrlSource
from tests.sources.kit import Server, closed_from_another_thread, free_port, wait_for_port


class Connection:
    """Gives `count` frames from time `start`, then ends as told."""

    def __init__(
        self,
        count: int,
        *,
        start: int = 0,
        tick: Fraction = Fraction(1, 10),
        end: Exception | None = None,
        live: bool = True,
    ) -> None:
        self.info = StreamInfo(4, 2, Fraction(10), tick, live=live)
        self.live = live
        self.closed = False
        self._frames = [
            Frame(np.full((2, 4, 3), n + 1, np.uint8), start + n, tick, n, duration=1) for n in range(count)
        ]
        self._end = end

    def __iter__(self) -> Iterator[Frame]:
        yield from self._frames
        if self._end:
            raise self._end

    def close(self) -> None:
        self.closed = True


def script(*steps: Connection | Exception) -> Callable[[], Connection]:
    """Opens one step after the other."""
    remaining = iter(steps)

    def open_next() -> Connection:
        step = next(remaining)
        if isinstance(step, Exception):
            raise step
        return step

    return open_next


def test_times_and_indexes_increase_across_losses_in_one_time_base() -> None:
    first = Connection(3, start=1000, end=StreamLost("The camera stopped."))
    second = Connection(3, start=5, tick=Fraction(1, 90000))
    third = Connection(200, start=7, tick=Fraction(1, 1000))
    said: list[str] = []
    source = Resilient(script(first, second, SourceError("no"), third), say=said.append, first_delay=0.01)
    frames = list(islice(source, 40))
    source.close()
    assert [f.index for f in frames] == list(range(40))
    assert all(a.pts < b.pts for a, b in pairwise(frames))
    assert {f.time_base for f in frames} == {Fraction(1, 10)}
    assert [f.pts for f in frames[:3]] == [1000, 1001, 1002]
    assert source.info == first.info
    assert (first.closed, second.closed, third.closed) == (True, True, True)
    assert said == [
        "The camera stopped. Trying again.",
        "The picture is back.",
        "The stream has ended. Trying again.",
        "The picture is back.",
    ]


def test_the_last_picture_is_held_while_the_source_is_away_and_time_goes_on() -> None:
    source = Resilient(
        script(Connection(2, tick=Fraction(1, 1000)), Connection(9, tick=Fraction(1, 1000))), first_delay=0.9
    )
    frames = list(islice(source, 8))
    source.close()
    held = list(takewhile(lambda f: f.image[0, 0, 0] == 2, frames[2:]))
    assert 3 <= len(held) <= 4
    assert all(b.captured - a.captured > 0.15 for a, b in pairwise(held))
    back = next(f for f in frames[2:] if f.image[0, 0, 0] == 1)
    assert back.time - frames[1].time == pytest.approx(back.captured - frames[1].captured, abs=1.0)
    assert back.time - frames[1].time > 0.7


def test_pauses_grow_up_to_the_longest() -> None:
    attempts: list[float] = []

    def open_source() -> Connection:
        attempts.append(time.monotonic())
        if len(attempts) > 1:
            raise SourceError("away")
        return Connection(1)

    source = Resilient(open_source, first_delay=0.05, longest_delay=0.2)
    closing = closed_from_another_thread(source.close, after=1.2)
    list(source)
    closing.join()
    pauses = [b - a for a, b in pairwise(attempts)]
    assert [round(p, 2) >= floor for p, floor in zip(pauses, (0.05, 0.1, 0.2, 0.2), strict=False)] == [True] * 4
    assert len(attempts) <= 8


def test_the_first_opening_raises_at_once() -> None:
    with pytest.raises(SourceError, match="no such camera"):
        Resilient(script(SourceError("no such camera")))


def test_a_source_that_is_not_live_may_end_and_its_loss_is_raised() -> None:
    assert len(list(Resilient(script(Connection(3, live=False))))) == 3
    with pytest.raises(StreamLost, match="gone"):
        list(Resilient(script(Connection(3, live=False, end=StreamLost("gone")))))


def test_an_unforeseen_error_while_reopening_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Resilient(script(Connection(1), ZeroDivisionError()), first_delay=0.01))


def test_closing_during_an_opening_that_hangs_ends_at_once_and_frees_what_it_brings() -> None:
    go = threading.Event()
    late = Connection(5)
    openings = iter([lambda: Connection(1), lambda: (go.wait(30), late)[1]])
    source = Resilient(lambda: next(openings)(), first_delay=0.01)
    closing = closed_from_another_thread(source.close, after=0.5)
    started = time.monotonic()
    list(source)
    assert time.monotonic() - started < 5
    closing.join()
    go.set()
    end = time.monotonic() + 5
    while not late.closed and time.monotonic() < end:
        time.sleep(0.01)
    assert late.closed


def test_a_real_server_that_dies_and_comes_back_is_taken_up_again(serve: Callable[..., Server]) -> None:
    port = free_port()
    url = f"rtmp://127.0.0.1:{port}/live/show"

    def start() -> Server:
        server = serve("-f", "flv", "-listen", "1", url)
        wait_for_port(port)
        return server

    server = start()
    said: list[str] = []
    source = Resilient(lambda: UrlSource(url, timeout=2), say=said.append, first_delay=0.1, longest_delay=0.5)
    frames: list[Frame] = []
    for frame in source:
        frames.append(frame)
        if len(frames) == 10:
            server.kill()
        if said and server.dead:
            server = start()
        if "The picture is back." in said and len(frames) > 40:
            break
    source.close()
    assert all(a.pts < b.pts and a.index + 1 == b.index for a, b in pairwise(frames))
    assert "The picture is back." in said
    assert not np.array_equal(frames[-1].image, frames[-15].image)
