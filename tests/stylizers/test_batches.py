"""Many streams through one network: the same paintings as alone, in batches, none kept waiting."""

import threading
import time
from functools import partial

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
    return StylePack.load(bundled_folder() / "paintings")


class Adding:
    """A network that adds its style to pictures, one batch at a time, when it is let."""

    device, dtype, seconds = torch.device("cpu"), torch.float32, 0.0

    def __init__(self):
        self.batches = []
        self.let, self.begun = threading.Semaphore(0), threading.Semaphore(0)

    def style(self, vector):
        return torch.from_numpy(vector)

    def run(self, images, style, size, strength):
        self.begun.release()
        assert self.let.acquire(timeout=20)
        self.batches.append((*images.shape, size, strength, float(style[0])))
        self.let.release()  # once it is let, it goes on
        if (images == BAD).any():
            raise ValueError("a bad picture")
        return list(images + style[0].to(torch.uint8))


BAD = 255
STYLES = [torch.tensor([float(number)]) for number in range(3)]


def ask(batches, value, results, height=2, style=0, size=None, strength=1.0):
    images = torch.full((1, height, 2, 3), value, dtype=torch.uint8)
    try:
        results[value] = batches.run(images, STYLES[style], size, strength)[0]
    except ValueError as error:
        results[value] = error


def play(network, requests):
    """Let the first request be painted while the others wait; then all. Each is a value and what `ask` takes."""
    batches, results = Batches(network), {}
    gather(batches, network, [partial(ask, batches, value, results, *more) for value, *more in requests])
    return results


def gather(batches, network, calls):
    """Let the first call be painted while the others wait; then all."""
    threads = [threading.Thread(target=call) for call in calls]
    threads[0].start()
    assert network.begun.acquire(timeout=20)
    for number, thread in enumerate(threads[1:], 1):
        thread.start()
        ends = time.monotonic() + 20
        while len(batches._waiting) < number and time.monotonic() < ends:
            time.sleep(0.001)
    network.let.release(len(calls))
    for thread in threads:
        thread.join(20)


def test_those_that_wait_are_painted_together():
    network = Adding()
    results = play(network, [(value, 2) for value in range(6)])
    assert all((results[value] == value).all() for value in range(6))
    assert [shape[0] for shape in network.batches] == [1, 4, 1]


def test_a_batch_has_one_size_and_those_who_came_first_go_first():
    network = Adding()
    play(network, [(0, 2), (1, 4), (2, 2), (3, 4), (4, 2)])
    assert [shape[:2] for shape in network.batches] == [(1, 2), (2, 4), (2, 2)]


@pytest.mark.parametrize("other", [(2, 1), (2, 0, (4, 4)), (2, 0, None, 0.5)], ids=["style", "size", "strength"])
def test_what_is_painted_in_another_way_is_another_batch(other):
    network = Adding()
    results = play(network, [(0, 2), (10, *other), (20, 2), (30, *other)])
    assert [batch[0] for batch in network.batches] == [1, 2, 1]
    assert network.batches[1][4:] != network.batches[2][4:]
    added = other[1]
    assert (results[10] == 10 + added).all()
    assert (results[20] == 20).all()
    assert (results[30] == 30 + added).all()


def test_what_goes_wrong_is_told_to_those_it_concerns():
    network = Adding()
    results = play(network, [(1, 2), (BAD, 2), (3, 2)])
    assert isinstance(results[BAD], ValueError)
    assert (results[3] == 3).all(), "it was in one batch with the other"
    assert network.batches[1][0] == 2


def test_nothing_is_no_batch():
    batches = Batches(Adding())
    with pytest.raises(ValueError, match="at least one"):
        batches.run(torch.zeros(0, 2, 2, 3, dtype=torch.uint8), STYLES[0])
    assert not batches._waiting


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from([2, 4, 6]), st.sampled_from([0, 1, 2])),
        min_size=1,
        max_size=20,
        unique_by=lambda r: r[0],
    )
)
def test_everybody_gets_an_own_painting(requests):
    network = Adding()
    results = play(network, requests)
    assert all(
        (results[value] == value + style).all() and len(results[value]) == height for value, height, style in requests
    )
    assert max(shape[0] for shape in network.batches) <= MOST


def test_streams_in_one_style_are_painted_together():
    network, of = Adding(), pack()
    batches = Batches(network)
    streams = [TorchStylizer(of, runtime=batches) for _ in range(6)]
    for stream, name in zip(streams, (of.names[0], of.names[0], of.names[1], *[of.names[0]] * 3), strict=True):
        stream.use(Controls(mix={name: 1.0}))
    image = np.zeros((2, 2, 3), np.uint8)
    gather(batches, network, [partial(stream, image) for stream in streams])
    assert [batch[0] for batch in network.batches] == [1, 4, 1]


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
