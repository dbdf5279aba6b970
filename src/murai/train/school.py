"""All runs of one plan: what they share, where each begins, and what they leave."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from murai.errors import Say, TrainError
from murai.nets import build
from murai.nets.base import StylizationNetwork
from murai.train.base import (
    grown,
    load_base,
    load_teacher,
    nearest,
    style_network,
    styles_hash,
    take_colours,
    teacher_from,
)
from murai.train.loop import Progress, Training
from murai.train.lowrank import low_rank
from murai.train.machines import Machines, agree, shared_by
from murai.train.manifest import Sources, Stage, stage
from murai.train.objective import judge_by
from murai.train.photos import Photographs, learnable_style, list_photos
from murai.train.plan import Plan, Work, run_name
from murai.train.quality import centre_square
from murai.train.runfiles import CHECKPOINT, Learned, clear, digest, made_with, read_learned, run_files, writing
from murai.train.settings import ENDS, End, Settings
from murai.train.sheet import ContactSheet
from murai.train.stability import FURTHEST, inner
from murai.train.vgg import LossNetwork
from murai.train.watch import UNLIKE, Watch

EXAMPLES = 8
"""Photographs from which the directions of the loss network's responses are found."""
JUDGED = 2
"""Photographs on which the styles of a base are compared with a new picture."""
COLUMNS, COLUMN = 4, 256
"""Photographs on the contact sheet, and pixels a side of each."""

OnStep = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: with weights called `name`, empty for new ones, that `key` tells from others."""

    name: str
    key: str
    network: Callable[[], StylizationNetwork]


@dataclass(frozen=True, slots=True)
class Taught:
    """A style that was learned: the vector [D] of each end, the faithful one first, and how each came about."""

    work: Work
    picture: Tensor
    vectors: list[Tensor]
    stages: list[Stage]


class School:
    """Learns the styles of a plan. Raises TrainError, before learning, for what cannot be learned from."""

    def __init__(self, plan: Plan, loss_network: LossNetwork, fabric: Machines, say: Say) -> None:
        self.plan, self.loss_network, self.fabric, self.say = plan, loss_network, fabric, say
        settings = plan.settings
        self.pictures = [
            learnable_style(work.picture, crop=work.style.crop, size=settings.style_size, say=say)
            for work in plan.works
        ]
        self.paths = list_photos(plan.photos, say)
        self.photographs = Photographs(self.paths, size=settings.size, seed=settings.seed, margin=FURTHEST)
        names = [work.style.name for work in plan.works]
        base = load_base(plan.base, loss_network) if plan.base else None
        teacher = load_teacher(plan.teacher, names) if plan.teacher else None
        self.sources = Sources(base, teacher, loss_network, len(self.paths), fabric.world_size)
        self.network = self._like(base.names[0]) if base else self._new()
        """One of this architecture; of which style does not count."""
        if teacher:
            teacher_from(teacher, names[0], ENDS[0])
        self.warnings: list[str] = []
        self._reduced: dict[str, LossNetwork] = {}

    def learn(self, on_step: OnStep) -> list[Taught]:
        """All ends of all works, each from the one before it: see `Plan`."""
        agree(self.fabric, lambda: _make_room(self.plan))
        taught: list[Taught] = []
        for work, picture in zip(self.plan.works, self.pictures, strict=True):
            start = self._start(work, picture, taught)
            vectors, stages = [], []
            for end, settings in zip(ENDS, self.plan.ends, strict=False):
                start = self._own_end(work, end) or start
                learned = self._learn(work, picture, end, settings, start, on_step)
                vectors.append(learned.vector)
                stages.append(stage(self.sources, settings, end, start.name, learned.seconds / 60))
                start = self._from_vector(run_name(work.style.name, end), learned.vector)
            taught.append(Taught(work, picture, vectors, stages))
        return taught

    def _start(self, work: Work, picture: Tensor, taught: list[Taught]) -> Start:
        """Where the faithful end of `work` begins, with the colours of its picture."""
        base = self.sources.base
        if base is not None:
            start = Start(base.name, styles_hash(base), lambda: self._from_base(work, picture))
        elif taught:  # a common base: only so can styles be blended
            start = self._from_vector(run_name(taught[0].work.style.name, ENDS[0]), taught[0].vectors[0])
        else:
            start = Start("", "", self._new)

        def coloured() -> StylizationNetwork:
            network = start.network()
            if base is None or work.style.name not in base.names:  # which has found its colours
                take_colours(network, picture)
            return network

        return Start(start.name, start.key, coloured)

    def _own_end(self, work: Work, end: End) -> Start | None:
        """Where the bold end begins if the base has one of this style: each end goes on from where it is."""
        base, name = self.sources.base, work.style.name
        if base is None or end == ENDS[0] or base.manifest.ends == 1 or name not in base.names:
            return None
        return Start(base.name, styles_hash(base), lambda: self._like(name, end))

    def _new(self) -> StylizationNetwork:
        torch.manual_seed(self.plan.settings.seed)
        return build(self.plan.architecture, **(self.plan.arguments or {}))

    def _from_vector(self, name: str, vector: Tensor) -> Start:
        def network() -> StylizationNetwork:
            copy = self._like(self.sources.base.names[0]) if self.sources.base else self._new()
            copy.load_vector(vector)
            return copy

        return Start(name, digest(vector), network)

    def _from_base(self, work: Work, picture: Tensor) -> StylizationNetwork:
        base = self.sources.base
        assert base is not None
        if work.style.name in base.names:
            return self._like(work.style.name)
        judge = judge_by(self._quick(picture), self._there(picture), self.plan.settings)
        photographs = inner(self.photographs.batch(range(JUDGED)), FURTHEST)
        return self._like(nearest(base, judge, self._there(photographs)))

    def _like(self, name: str, end: End = ENDS[0]) -> StylizationNetwork:
        """The network of the base with an end of the style `name`, grown where the plan wants a larger one."""
        base = self.sources.base
        assert base is not None
        torch.manual_seed(self.plan.settings.seed)
        return grown(base, style_network(base, name, end), self.plan.arguments)

    def _there(self, x: Tensor) -> Tensor:
        return x.to(self.fabric.device)

    def _quick(self, picture: Tensor) -> LossNetwork:
        """What the style of `picture` is learned with: fewer multiply-adds, see `low_rank`. Imitation needs none."""
        whole = self.loss_network.to(self.fabric.device)
        if self.sources.teacher:
            return whole
        key = digest(picture)
        if key not in self._reduced:
            examples = [*self.photographs.batch(range(EXAMPLES)), picture]
            self._reduced = {key: low_rank(whole, examples, self.plan.settings.energy)}
        return self._reduced[key]

    def _learn(
        self, work: Work, picture: Tensor, end: End, settings: Settings, start: Start, on_step: OnStep
    ) -> Learned:
        """One run, or what it left when it was finished before."""
        run, teacher = run_name(work.style.name, end), self.sources.teacher
        folder = self.plan.run_folder / run
        key = f"{start.key} {styles_hash(teacher)}" if teacher else start.key
        if learned := self._finished(folder, picture, settings, key):
            self.say(f"{run} is learned already.")
            return learned
        training = Training(
            start.network(),
            self._quick(picture),
            self.photographs,
            picture,
            settings,
            folder,
            fabric=self.fabric,
            resume=self.fabric.broadcast(self.plan.resume and (folder / CHECKPOINT).exists()),
            overwrite=True,  # what may not be replaced was refused before
            start=key,
            teacher=teacher_from(teacher, work.style.name, end) if teacher else None,
        )
        return training.run(self._watched(training, picture, on_step))

    def _finished(self, folder: Path, picture: Tensor, settings: Settings, key: str) -> Learned | None:
        if not self.plan.resume:
            return None
        made = made_with(
            settings, self.network, self.loss_network, self.photographs, picture, key, shared_by(self.fabric)
        )
        found: list[Learned | None] = []
        agree(self.fabric, lambda: found.append(read_learned(folder, self.network.style_size, made)))
        learned: Learned | None = self.fabric.broadcast(found[0] if found else None)
        return learned

    def _watched(self, training: Training, picture: Tensor, on_step: OnStep) -> OnStep:
        """What looks at each step of a run, and paints the contact sheet now and then."""
        settings, run = training.settings, training.folder.name
        watch = Watch(settings.steps, UNLIKE[settings.objective] * settings.style, picture, self.say, self.warnings)
        every = max(1, settings.steps // 10)

        def after_step(progress: Progress) -> None:
            if self.fabric.is_global_zero:
                if progress.step % every == 0:
                    watch.paintings(self.sheet.add(training.network, run))
                watch.step(progress)
                on_step(progress)

        return after_step

    @cached_property
    def sheet(self) -> ContactSheet:
        """What shows how it goes."""
        columns = [centre_square(path, COLUMN) for path in spread(self.paths, COLUMNS)]
        return ContactSheet(self.plan.run_folder, columns, list(self.plan.runs))


def _make_room(plan: Plan) -> None:
    """Delete former runs, unless they are to go on. Raises TrainError where they may not be."""
    folder = plan.run_folder
    runs = [each for each in (folder, *folder.glob("*/")) if run_files(each)]
    if plan.resume:
        if not any((each / CHECKPOINT).exists() for each in runs):
            raise TrainError(f"there is no checkpoint in {folder} to resume from; start without --resume.")
        return
    if runs and not plan.overwrite:
        raise TrainError(
            f"{folder} holds a run already; go on with --resume, start afresh with --overwrite, or give another --out."
        )
    for each in runs:
        clear(each)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def spread(paths: list[Path], count: int) -> list[Path]:
    """`count` paths evenly spread over `paths`, all of them where there are fewer."""
    return [paths[i * len(paths) // count] for i in range(count)] if len(paths) > count else list(paths)
