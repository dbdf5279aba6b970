import errno
import json
import signal
import threading
from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.nets import build  # noqa: E402
from murai.train.loop import Training  # noqa: E402
from murai.train.machines import open_fabric  # noqa: E402
from murai.train.photos import Photographs, list_photos, style_picture  # noqa: E402
from murai.train.runfiles import read_learned  # noqa: E402
from murai.train.settings import Settings, bold, learning_rate  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402

TINY = Settings(steps=6, batch=2, size=32, style_size=48)


@pytest.fixture
def start(vgg19_file, photo_folder, style_file, tmp_path):
    """A function that starts or resumes a tiny run in a folder of that name."""

    def training(
        folder="run",
        settings=TINY,
        widths=(4, 8, 8),
        photos=Photographs,
        style=style_file,
        convention="caffe",
        **how,
    ):
        torch.manual_seed(settings.seed)
        return Training(
            build("affine", widths=widths, blocks=(1, 1)),
            load_loss_network(vgg19_file, convention),
            photos(list_photos(photo_folder), size=settings.size, seed=settings.seed, margin=4),
            style_picture(style, size=settings.style_size),
            settings,
            tmp_path / folder,
            **how,
        )

    return training


def losses(run):
    return [json.loads(line) for line in (run.folder / "losses.jsonl").read_text().splitlines()]


def stop_at(step):
    def on_step(progress):
        if progress.step == step:
            raise KeyboardInterrupt

    return on_step


def test_learning_lowers_the_loss(start):
    run = start(settings=replace(TINY, steps=60))
    run.run()
    totals = [sum(v for k, v in row.items() if k != "step") for row in losses(run)]
    assert sum(totals[-10:]) < 0.9 * sum(totals[:10])


def test_ctrl_c_leaves_a_checkpoint_and_resuming_gives_the_losses_of_an_uninterrupted_run(start):
    whole = start("whole")
    whole.run()
    broken = start("broken")
    with pytest.raises(KeyboardInterrupt):
        broken.run(stop_at(3))
    assert len(losses(broken)) == 3
    resumed = start("broken", resume=True)
    resumed.run()
    assert losses(resumed) == losses(whole)


def test_the_weight_of_the_content_follows_what_is_kept_and_is_resumed_exactly(start):
    much, little = (start(f"{keep}", replace(TINY, keep=keep)) for keep in (0.99, 0.01))
    with pytest.raises(KeyboardInterrupt):
        much.run(stop_at(3))
    much = start("0.99", replace(TINY, keep=0.99), resume=True)
    assert much.hold > 1
    for run in (much, little):
        run.run()
    assert little.hold < 1
    whole = start("whole", replace(TINY, keep=0.99))
    whole.run()
    assert losses(much) == losses(whole)
    assert much.hold == whole.hold


def test_a_run_in_bf16_learns_and_is_resumed_exactly(start):
    bf16 = open_fabric(precision="bf16-mixed")
    whole, plain = start("whole", fabric=bf16), start("plain")
    whole.run()
    plain.run()
    broken = start("broken", fabric=bf16)
    with pytest.raises(KeyboardInterrupt):
        broken.run(stop_at(3))
    start("broken", fabric=bf16, resume=True).run()
    assert losses(broken) == losses(whole)
    assert losses(whole) != losses(plain)
    assert losses(whole)[0] == pytest.approx(losses(plain)[0], rel=0.05)


def test_steps_after_the_last_checkpoint_are_learned_again_not_twice(start):
    run = start()
    with pytest.raises(KeyboardInterrupt):
        run.run(stop_at(3))
    log = run.folder / "losses.jsonl"
    log.write_text(log.read_text() + '{"step": 4}\n')
    resumed = start(resume=True)
    resumed.run()
    assert [row["step"] for row in losses(resumed)] == [1, 2, 3, 4, 5, 6]


def test_progress_tells_the_terms_the_rate_and_the_time_left(start):
    seen = []
    start().run(seen.append)
    assert [p.step for p in seen] == [1, 2, 3, 4, 5, 6]
    assert set(seen[0].terms) == {"content", "light", "style", "total_variation", "lattice", "weave", "stability"}
    assert {p.run for p in seen} == {"run"}
    assert seen[-1].left == 0
    assert all(p.rate > 0 for p in seen)


def test_every_weight_learns(start):
    run = start()
    before = {name: parameter.detach().clone() for name, parameter in run.network.named_parameters()}
    run.run()
    same = [name for name, parameter in run.network.named_parameters() if torch.equal(parameter, before[name])]
    assert same == []


def test_the_reference_objective_learns_by_its_own_terms(start):
    seen = []
    start(settings=replace(TINY, steps=2, objective="gram", stable="none")).run(seen.append)
    assert set(seen[0].terms) == {"content", "style", "total_variation", "lattice", "weave"}


def test_a_run_learns_what_its_teacher_paints_and_nothing_else(start):
    seen = []
    start(teacher=lambda photographs: 1 - photographs, settings=replace(TINY, steps=40)).run(seen.append)
    assert set(seen[0].terms) == {"imitation"}
    first, last = (sum(p.terms["imitation"] for p in part) for part in (seen[:5], seen[-5:]))
    assert last < 0.8 * first


def test_the_bold_end_learns_half_as_long_with_less_of_the_photograph():
    faithful = Settings(steps=601, seed=3)
    there = bold(faithful)
    assert (there.steps, there.seed) == (300, 3)
    assert there.content < faithful.content
    assert there.light < faithful.light
    assert bold(faithful, 7, 1.5, 0.5) == replace(faithful, steps=7, content=1.5, light=0.5)
    assert bold(Settings(steps=1)).steps == 1


def in_step(wanted, act):
    """Photographs that call `act` while step `wanted` asks for its batch."""

    class Eventful(Photographs):
        def batch(self, numbers):
            if numbers[0] == wanted * TINY.batch:
                act()
            return super().batch(numbers)

    return Eventful


def twice(number):
    signal.raise_signal(number)
    signal.raise_signal(number)


@pytest.fixture
def whole(start):
    """The losses of a run that nothing interrupted."""
    run = start("whole")
    run.run()
    return losses(run)


@pytest.fixture
def former():
    """The handlers of SIGINT and SIGTERM, which every test has to leave in place; SIGTERM raises KeyboardInterrupt."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    yield handlers
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    signal.signal(signal.SIGTERM, before)
    assert after == handlers


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("act", "steps"), [(signal.raise_signal, 4), (twice, 3)])
def test_a_signal_in_mid_step_is_taken_after_it_and_a_second_one_at_once(start, whole, former, number, act, steps):
    broken = start("broken", photos=in_step(3, lambda: act(number)))
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    resumed = start("broken", resume=True)
    assert resumed.step == steps
    resumed.run()
    assert losses(resumed) == whole


def test_a_signal_in_the_last_step_is_not_lost(start, whole, former):
    run = start(photos=in_step(TINY.steps - 1, lambda: signal.raise_signal(signal.SIGINT)))
    with pytest.raises(KeyboardInterrupt):
        run.run()
    assert losses(run) == whole


def test_a_signal_that_is_ignored_stays_ignored(start, former):
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = start(photos=in_step(3, lambda: signal.raise_signal(signal.SIGINT)))
        run.run()
    finally:
        signal.signal(signal.SIGINT, handler)
    assert run.step == TINY.steps


def test_a_run_in_another_thread_leaves_signals_alone(start, former):
    seen = []
    run = start(photos=in_step(3, lambda: seen.append(signal.getsignal(signal.SIGINT))))
    thread = threading.Thread(target=run.run)
    thread.start()
    thread.join(60)
    assert (run.step, seen) == (TINY.steps, former[:1])


def test_what_fails_before_the_weights_change_leaves_the_last_whole_step(start, whole):
    def fail():
        raise MemoryError

    broken = start("broken", photos=in_step(3, fail))
    with pytest.raises(MemoryError):
        broken.run()
    resumed = start("broken", resume=True)
    assert resumed.step == 3
    resumed.run()
    assert losses(resumed) == whole


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_half_a_step_is_never_saved(start, whole, error):
    broken = start("broken")

    def fail(*_):
        if broken.step == 3:
            raise error

    broken.optimizers[-1].optimizer.register_step_post_hook(fail)  # the weights are of step 4 then, the count of step 3
    with pytest.raises(error):
        broken.run(save_every=2)
    resumed = start("broken", resume=True)
    assert resumed.step == 2
    resumed.run()
    assert losses(resumed) == whole


def test_a_full_disk_is_one_sentence_and_the_last_checkpoint_survives(start, whole, monkeypatch):
    full = start("full")

    def refuse(_):
        if full.step == 4:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("murai.train.runfiles.os.fsync", refuse)
        with pytest.raises(TrainError, match="cannot be written"):
            full.run(save_every=2)
    assert not (full.folder / "checkpoint.part").exists()
    resumed = start("full", resume=True)
    assert resumed.step == 2
    resumed.run()
    assert losses(resumed) == whole


def test_a_run_can_be_resumed_before_its_first_step(start, whole):
    start("fresh")
    resumed = start("fresh", resume=True)
    resumed.run()
    assert losses(resumed) == whole


def test_resuming_needs_a_whole_checkpoint(start):
    with pytest.raises(TrainError, match="no checkpoint"):
        start(resume=True)
    run = start()
    (run.folder / "checkpoint.pt").write_bytes(b"cut")
    with pytest.raises(TrainError, match="damaged"):
        start(resume=True)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": replace(TINY, style=9.0, steps=7)}, r"settings \(steps, style\)"),
        ({"widths": (4, 8, 12)}, "architecture"),
        ({"convention": "imagenet"}, "loss network"),
    ],
)
def test_resuming_with_something_else_is_refused_and_named(start, change, named):
    start()
    with pytest.raises(TrainError, match=f"differs from this run in its {named};"):
        start(resume=True, **change)


def test_resuming_with_other_pictures_is_refused_and_named(start, photo_folder, style_file):
    run = start()
    checkpoint = (run.folder / "checkpoint.pt").read_bytes()
    (photo_folder / "4.png").rename(photo_folder / "5.png")
    with pytest.raises(TrainError, match="in its style picture, photographs;"):
        start(resume=True, style=photo_folder / "0.png")
    assert (run.folder / "checkpoint.pt").read_bytes() == checkpoint


def test_a_finished_run_leaves_its_weights(start):
    run = start()
    learned = run.run()
    assert torch.equal(learned.vector, run.network.vector())
    again = read_learned(run.folder, run.network.style_size, run.made)
    assert torch.equal(again.vector, learned.vector)
    assert again.seconds == pytest.approx(run.seconds)
    assert read_learned(run.folder.parent, 5, run.made) is None, "nothing was finished there"


def test_a_run_that_ended_before_it_left_them_does_so_when_it_is_resumed(start, whole):
    run = start()
    learned = run.run()
    (run.folder / "style.safetensors").unlink()
    assert torch.equal(start(resume=True).run().vector, learned.vector)
    assert (run.folder / "style.safetensors").exists()
    assert losses(run) == whole


def test_weights_of_another_run_damaged_ones_and_too_few_are_refused(start):
    run = start()
    run.run()
    size, file = run.network.style_size, run.folder / "style.safetensors"
    other = {**run.made, "photographs": "others"}
    with pytest.raises(TrainError, match="differs from this run in its photographs;"):
        read_learned(run.folder, size, other)
    with pytest.raises(TrainError, match=f"the {size + 1} numbers"):
        read_learned(run.folder, size + 1, run.made)
    whole = file.read_bytes()
    for damaged in (b"", whole[:-8], b"x" * 100, whole.replace(b'"made"', b'"mode"', 1)):
        file.write_bytes(damaged)
        with pytest.raises(TrainError, match="damaged"):
            read_learned(run.folder, size, run.made)


def test_a_run_that_is_there_is_replaced_only_where_that_is_allowed(start, whole):
    run = start()
    run.run()
    (run.folder / "row.jpg").write_bytes(b"old")
    (run.folder / "notes.txt").write_text("the user's own")
    with pytest.raises(TrainError, match=r"--resume.*--overwrite"):
        start()
    assert losses(run) == whole
    again = start(overwrite=True)
    assert (again.step, losses(again)) == (0, [])
    assert sorted(file.name for file in run.folder.iterdir()) == ["checkpoint.pt", "losses.jsonl", "notes.txt"]
    again.run()
    assert losses(again) == whole


def test_overwriting_a_pack_does_not_start_afresh_what_is_to_be_resumed(start):
    with pytest.raises(KeyboardInterrupt):
        start().run(stop_at(3))
    assert start(resume=True, overwrite=True).step == 3


def test_a_folder_that_cannot_be_written_is_refused_before_learning(start, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(TrainError, match="cannot be written"):
        start("file")


def test_the_learning_rate_rises_for_a_tenth_and_falls_to_nothing():
    rates = [learning_rate(step, Settings(steps=100)) for step in range(101)]
    assert max(rates) == rates[9] == Settings().learning_rate
    assert rates[0] < rates[5] < rates[9]
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert rates[100] < 1e-9
