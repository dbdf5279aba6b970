"""Many streams through one network: the same paintings as alone, in batches, none kept waiting."""

import threading
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="batches are painted by torch, which is in murai[cuda]")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.controls import Controls  # noqa: E402
from murai.packs import StylePack, bundled_folder  # noqa: E402
from murai.pipeline import Pipeline  # noqa: E402
from murai.sinks.null import NullSink  # noqa: E402
from murai.sources.pattern import PatternSource  # noqa: E402
from murai.stylizers.batches import MOST, Batches  # noqa: E402
from murai.stylizers.cuda import TorchRuntime, TorchStylizer, network_of  # noqa: E402

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def pack():
    return StylePack.load(bundled_folder() / "paintings-light")


class Adding:
    """A network that adds its style to pictures, one batch at a time, when it is let."""

    device, dtype, seconds = torch.device("cpu"), torch.float32, 0.0

    def __init__(self):
        self.batches = []
        self.let, self.begun = threading.Semaphore(0), threading.Semaphore(0)

    def run(self, images, styles):
        self.begun.release()
        assert self.let.acquire(timeout=20)
        self.batches.append(tuple(images.shape))
        self.let.release()  # once it is let, it goes on
        if (styles < 0).any():
            raise ValueError("a style below 0")
        return list(images + styles[:, :1, None, None].to(torch.uint8))


def ask(batches, value, height=2, results=None):
    images, styles = torch.zeros(1, height, 2, 3, dtype=torch.uint8), torch.full((1, 1), float(value))
    try:
        results[value] = batches.run(images, styles)[0]
    except ValueError as error:
        results[value] = error


def play(network, requests):
    """Let the first request be painted while the others wait; then all."""
    batches, results = Batches(network), {}
    threads = [threading.Thread(target=ask, args=(batches, value, height, results)) for value, height in requests]
    threads[0].start()
    assert network.begun.acquire(timeout=20)
    for number, thread in enumerate(threads[1:], 1):
        thread.start()
        ends = time.monotonic() + 20
        while len(batches._waiting) < number and time.monotonic() < ends:
            time.sleep(0.001)
    network.let.release(len(requests))
    for thread in threads:
        thread.join(20)
    return results


def test_those_that_wait_are_painted_together():
    network = Adding()
    results = play(network, [(value, 2) for value in range(6)])
    assert all((results[value] == value).all() for value in range(6))
    assert [shape[0] for shape in network.batches] == [1, 4, 1]


def test_a_batch_has_one_size_and_those_who_came_first_go_first():
    network = Adding()
    play(network, [(0, 2), (1, 4), (2, 2), (3, 4), (4, 2)])
    assert [shape[:2] for shape in network.batches] == [(1, 2), (2, 4), (2, 2)]


def test_what_goes_wrong_is_told_to_those_it_concerns():
    network = Adding()
    results = play(network, [(1, 2), (-1, 2), (3, 2)])
    assert isinstance(results[-1], ValueError)
    assert (results[3] == 3).all(), "it was in one batch with the other"
    assert network.batches[1][0] == 2


def test_nothing_is_no_batch():
    batches = Batches(Adding())
    with pytest.raises(ValueError, match="at least one"):
        batches.run(torch.zeros(0, 2, 2, 3, dtype=torch.uint8), torch.zeros(0, 1))
    assert not batches._waiting


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([2, 4, 6])), min_size=1, max_size=20, unique_by=lambda r: r[0]
    )
)
def test_everybody_gets_an_own_painting(requests):
    network = Adding()
    results = play(network, requests)
    assert all((results[value] == value).all() and len(results[value]) == height for value, height in requests)
    assert max(shape[0] for shape in network.batches) <= MOST


@pytest.mark.parametrize("device", DEVICES)
def test_streams_that_share_a_network_paint_as_alone(device):
    runtime = Batches(TorchRuntime(network_of(pack()), device))
    names = pack().names[:3]
    shared, alone = {}, {}
    for paintings, network in ((shared, runtime), (alone, None)):
        stylizers = {name: TorchStylizer(pack(), device=device, runtime=network) for name in names}

        def paint(name, stylizer, paintings=paintings):
            stylizer.use(Controls(mix={name: 1.0}))
            pictures = [frame.image for frame in PatternSource(96, 64, live=False, frames=4)]
            paintings[name] = [stylizer(image) for image in pictures]

        threads = [threading.Thread(target=paint, args=each) for each in stylizers.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for name in names:
        assert np.abs(np.array(shared[name]).astype(int) - np.array(alone[name])).max() <= (
            3 if device == "cuda" else 1
        )
    assert not np.array_equal(shared[names[0]], shared[names[1]])


def test_several_shows_share_one_network():
    runtime = Batches(TorchRuntime(network_of(pack()), "cpu"))
    shows = [
        Pipeline(
            PatternSource(64, 48, live=False, frames=8),
            TorchStylizer(pack(), device="cpu", runtime=runtime),
            [NullSink()],
        )
        for _ in range(3)
    ]
    for show in shows:
        show.start()
    for show in shows:
        assert show.wait(60)
        assert show.stats.painted == 8
