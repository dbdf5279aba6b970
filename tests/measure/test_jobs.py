from contextlib import contextmanager

import pytest

from murai.measure.cache import Cache
from murai.measure.jobs import Job, finish


class Bar:
    """A progress bar that remembers."""

    def __init__(self):
        self.total, self.seen = None, []

    @contextmanager
    def __call__(self, title, total, unit):
        self.total = total
        yield lambda done, note="": self.seen.append((done, note.strip()))


def job(name, ran, pictures=2, stop=False):
    def run(advance):
        if stop:
            raise KeyboardInterrupt
        ran.append(name)
        for done in range(1, pictures + 1):
            advance(done)
        return {"name": name}

    return Job(name, name, pictures, run)


def test_figures_are_in_the_order_of_the_jobs_and_made_once(tmp_path):
    ran = []
    jobs = [job(name, ran) for name in ("b", "a", "b")]
    for _ in range(2):
        assert finish(jobs, Cache(tmp_path)) == [{"name": "b"}, {"name": "a"}, {"name": "b"}]
    assert ran == ["b", "a"]


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    ran, said = [], []
    with pytest.raises(KeyboardInterrupt):
        finish([job("a", ran), job("b", ran, stop=True), job("c", ran)], Cache(tmp_path))
    assert ran == ["a"]
    figures = finish([job("a", ran), job("b", ran), job("c", ran)], Cache(tmp_path), say=said.append)
    assert ran == ["a", "b", "c"]
    assert [f["name"] for f in figures] == ["a", "b", "c"]
    assert said[0].startswith("1 of 3 measurements are there already")


def test_the_bar_counts_what_is_left_to_paint(tmp_path):
    finish([job("a", [])], Cache(tmp_path))
    bar = Bar()
    finish([job("a", []), job("b", [], 2), job("c", [], 3)], Cache(tmp_path), progress=bar)
    assert bar.total == 5
    assert bar.seen == [(0, "b"), (1, "b"), (2, "b"), (2, "c"), (3, "c"), (4, "c"), (5, "c")]
