import json
from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.nets import build  # noqa: E402
from murai.train.loop import Settings, Training, learning_rate  # noqa: E402
from murai.train.photos import Photographs, list_photos, style_picture  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402

TINY = Settings(steps=6, batch=2, size=32, style_size=48)


@pytest.fixture
def start(vgg19_file, photo_folder, style_file, tmp_path):
    """A function that starts or resumes a tiny run in a folder of that name."""

    def training(folder="run", settings=TINY, resume=False, styles=1, blocks=(1,)):
        torch.manual_seed(settings.seed)
        return Training(
            build("compact", styles=styles, widths=(8,), blocks=blocks),
            load_loss_network(vgg19_file),
            Photographs(list_photos(photo_folder), size=settings.size, batch=settings.batch, seed=settings.seed),
            [style_picture(style_file, size=settings.style_size)] * styles,
            settings,
            tmp_path / folder,
            resume=resume,
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
    assert set(seen[0].terms) == {"content", "style", "total_variation", "stability"}
    assert seen[-1].left == 0
    assert all(p.rate > 0 for p in seen)


def test_two_styles_learn_their_own_vectors(start):
    run = start(styles=2, settings=replace(TINY, batch=1))
    before = run.network.styles.detach().clone()
    run._learn(0)
    changed = (run.network.styles != before).any(1)
    assert changed.tolist() == [True, False]


def test_resuming_needs_a_whole_checkpoint_made_with_the_same_settings(start):
    with pytest.raises(TrainError, match="no checkpoint"):
        start(resume=True)
    run = start()
    run.run()
    with pytest.raises(TrainError, match="other settings"):
        start(resume=True, settings=replace(TINY, style=9.0))
    with pytest.raises(TrainError, match="damaged or of another network"):
        start(resume=True, blocks=(2,))
    (run.folder / "checkpoint.pt").write_bytes(b"cut")
    with pytest.raises(TrainError, match="damaged"):
        start(resume=True)


def test_the_learning_rate_rises_for_a_tenth_and_falls_to_nothing():
    rates = [learning_rate(step, Settings(steps=100)) for step in range(101)]
    assert max(rates) == rates[9] == Settings().learning_rate
    assert rates[0] < rates[5] < rates[9]
    assert all(a >= b for a, b in pairwise(rates[10:]))
    assert rates[100] < 1e-9
