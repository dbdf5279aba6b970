"""Painting with torch: on the CPU always, on a card where there is one."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="painting on a card is done by torch, which is in murai[cuda]")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from murai.controls import Controls  # noqa: E402
from murai.errors import PackError, RuntimeUnsupported, UnknownStyle  # noqa: E402
from murai.packs import StylePack, bundled_folder  # noqa: E402
from murai.pipeline import Pipeline  # noqa: E402
from murai.sinks.file import FileSink  # noqa: E402
from murai.sources.file import FileSource  # noqa: E402
from murai.sources.pattern import PatternSource  # noqa: E402
from murai.stylizers import compose, tensors  # noqa: E402
from murai.stylizers.cuda import TorchRuntime, TorchStylizer, network_of  # noqa: E402
from murai.stylizers.openvino import OpenVINOStylizer  # noqa: E402
from murai.stylizers.repertoire import Repertoire  # noqa: E402
from murai.stylizers.staging import Staging  # noqa: E402
from tests.packs_support import make_pack  # noqa: E402

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
PACKS = ["paintings"]
MEAN = {"cpu": 0.05, "cuda": 0.5}
"""Levels of 255 by which a painting may differ from the CPU's on average: float32 rounds, float16 is coarser."""


def pack(name="paintings"):
    return StylePack.load(bundled_folder() / name)


def picture(height=96, width=160):
    y, x = np.mgrid[:height, :width]
    waves = [127 + 120 * np.sin(x / (9 + 3 * c) + y / (15 - 2 * c)) for c in range(3)]
    return np.stack(waves, -1).round().astype(np.uint8)


def style(number=0, device="cpu"):
    """The style of that number as a tensor."""
    of = pack()
    return torch.from_numpy(of.vector({of.names[number]: 1.0})).to(device)


def apart(one, other):
    return np.abs(np.asarray(one).astype(float) - np.asarray(other).astype(float)).mean()


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


@pytest.mark.parametrize("name", PACKS)
def test_it_paints_what_the_cpu_paints(device, name):
    controls = Controls(mix={"scream": 0.7, "great_wave": 0.3}, strength=0.8, boldness=0.3)
    mine, theirs = TorchStylizer(pack(name), device=device), OpenVINOStylizer(pack(name), precision="f32")
    for stylizer in (mine, theirs):
        stylizer.use(controls)
    painted = mine(picture())
    assert apart(painted, theirs(picture())) < MEAN[device]
    assert apart(painted, picture()) > 5
    assert np.array_equal(mine(picture()[:, ::-1]), mine(picture()[:, ::-1].copy()))
    assert mine.network_seconds > 0


def test_half_precision_paints_nearly_the_same():
    half, whole = (TorchRuntime(network_of(pack()), "cpu", dtype=dtype) for dtype in (torch.float16, torch.float32))
    images = torch.from_numpy(picture())[None]
    assert apart(half.run(images, style())[0], whole.run(images, style())[0]) < 0.5
    black = torch.zeros_like(images)
    assert apart(half.run(black, style())[0], whole.run(black, style())[0]) < 0.5


@pytest.mark.parametrize(
    "controls",
    [
        Controls(keep_colors=True),
        Controls(stroke_size=2.0),
        Controls(strength=0.4),
        Controls(boldness=0.0),
        Controls(boldness=1.0),
        Controls(stroke_size=1.5, keep_colors=True, strength=0.9),
    ],
)
def test_the_controls_mean_the_same(device, controls):
    mine, theirs = TorchStylizer(pack(), device=device), OpenVINOStylizer(pack(), precision="f32")
    for stylizer in (mine, theirs):
        stylizer.use(controls)
    assert apart(mine(picture()), theirs(picture())) < 3, "but for the kernel by which pictures are shrunk"


def test_a_large_picture_is_painted_by_what_is_found_at_the_work_size(device):
    mine, theirs = TorchStylizer(pack(), device=device), OpenVINOStylizer(pack(), precision="f32")
    image = picture(1080, 1920)
    painted = mine(image)
    assert painted.shape == image.shape
    assert mine.about.startswith("640x360 on ")
    assert apart(painted, theirs(image)) < 3, "but for the kernel by which pictures are shrunk"


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (37, 51), (64, 2)])
def test_odd_and_tiny_pictures_are_painted_as_on_the_cpu(device, shape):
    mine, theirs = TorchStylizer(pack(), device=device), OpenVINOStylizer(pack(), precision="f32")
    image = picture(*shape)
    assert apart(mine(image), theirs(image)) < 6, "but for the kernel by which they are made even"


def test_the_size_may_change_in_the_middle_of_a_stream(device):
    stylizer = TorchStylizer(pack(), device=device)
    shapes = [(96, 160), (160, 96), (50, 70), (96, 160)]
    first, *_, last = [stylizer(picture(*shape)) for shape in shapes]
    assert np.array_equal(first, last)


def test_a_picture_on_the_device_stays_there(device):
    stylizer = TorchStylizer(pack(), device=device)
    there = torch.from_numpy(picture()).to(device)
    painted = stylizer(there)
    assert painted.device == there.device
    assert painted.dtype == torch.uint8
    assert np.array_equal(painted.cpu().numpy(), stylizer(picture()))


def test_at_strength_0_it_is_the_picture_itself(device):
    stylizer = TorchStylizer(pack(), device=device)
    stylizer.use(Controls(strength=0.0))
    image = picture()
    assert stylizer(image) is image
    assert stylizer.network_seconds == 0


def test_what_is_held_is_not_painted_over(device):
    runtime = TorchRuntime(network_of(pack()), device)
    images = torch.from_numpy(np.stack([picture(), picture()[::-1]])).to(device)
    kept = runtime.run(images, style(0, device))
    copies = [painting.clone() for painting in kept]
    for number in range(3):
        runtime.run(images.flip(0), style(number, device))
    assert all(torch.equal(painting, copy) for painting, copy in zip(kept, copies, strict=True))


def test_pictures_of_a_batch_are_painted_each_by_itself(device):
    runtime = TorchRuntime(network_of(pack()), device)
    images = torch.from_numpy(np.stack([picture(), picture()[::-1], picture()[:, ::-1]])).to(device)
    together = [painting.clone() for painting in runtime.run(images, style(1, device))]
    for image, painting in zip(images, together, strict=True):
        alone = runtime.run(image[None], style(1, device))[0]
        assert apart(alone.cpu(), painting.cpu()) < 0.1


def test_where_the_memory_does_not_suffice_it_paints_smaller_and_says_so(device, monkeypatch):
    said = []
    stylizer = TorchStylizer(pack(), device=device, say=said.append)
    run = stylizer.runtime.run

    def scarce(images, style, size, strength):
        if size[0] > 300:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(images, style, size, strength)

    monkeypatch.setattr(stylizer.runtime, "run", scarce)
    image = picture(360, 640)
    assert stylizer(image).shape == image.shape
    assert stylizer.about.startswith("284x160 on ")
    assert len(said) == 2
    assert stylizer.size == (285, 160)
    monkeypatch.setattr(stylizer.runtime, "run", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("none")))
    with pytest.raises(RuntimeUnsupported, match="--device cpu"):
        stylizer(image)


def test_fine_strokes_become_larger_too_where_the_memory_does_not_suffice(device, monkeypatch):
    stylizer = TorchStylizer(pack(), device=device)
    stylizer.use(Controls(stroke_size=0.5))
    run, sizes = stylizer.runtime.run, []

    def scarce(images, style, size, strength):
        sizes.append(size[0])
        if size[0] > 300:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return run(images, style, size, strength)

    monkeypatch.setattr(stylizer.runtime, "run", scarce)
    assert stylizer(picture(360, 640)).shape == (360, 640, 3)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] <= 300


def test_what_cannot_be_painted_is_refused(device, tmp_path):
    runtime = TorchRuntime(network_of(pack()), device)
    images, one = torch.zeros(1, 64, 64, 3, dtype=torch.uint8), style()
    for bad in (
        (images.float(), one),
        (images[0], one),
        (images, one[1:]),
        (images, one[None]),
        (images, one.double()),
    ):
        with pytest.raises(ValueError):
            runtime.run(*bad)
    with pytest.raises(UnknownStyle):
        TorchStylizer(pack(), device=device).use(Controls(mix={"nobody": 1.0}))
    with pytest.raises(PackError, match="--device cpu"):
        network_of(StylePack.load(make_pack(tmp_path / "tiny", "tiny", ("warm",))))


@pytest.mark.parametrize("name", ["cuda:99", "nonsense"])
def test_a_card_that_is_not_there_is_said(name):
    with pytest.raises(RuntimeUnsupported, match="use --device cpu"):
        TorchRuntime(network_of(pack()), name)


@given(seed=st.integers(0, 9), share=st.floats(0, 1), height=st.integers(8, 40), width=st.integers(8, 40))
@settings(max_examples=25, deadline=None)
def test_tensors_do_what_compose_does(seed, share, height, width):
    rng = np.random.default_rng(seed)
    image, painted = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    there = torch.from_numpy(image), torch.from_numpy(painted)
    assert np.abs(tensors.mix(*there, share).numpy().astype(int) - compose.mix(image, painted, share)).max() <= 2
    kept = tensors.keep_colors(*there).numpy().astype(int)
    assert np.abs(kept - compose.keep_colors(image, painted)).max() <= 1


def test_calm_holds_back_noise_as_on_the_cpu(device):
    rng = np.random.default_rng(0)
    still = rng.normal(0, 6, (8, 50, 70, 3)) + 128
    still[5:, 10:30, 10:30] += 90  # something comes
    pictures = still.clip(0, 255).astype(np.uint8)
    mine, theirs = TorchStylizer(pack(), device=device), OpenVINOStylizer(pack(), precision="f32")
    for stylizer in (mine, theirs):
        stylizer.use(Controls(calm=0.8))
    for image in pictures:
        assert apart(mine(image), theirs(image)) < 1
    mine.reset()
    theirs.reset()
    assert apart(mine(pictures[0]), theirs(pictures[0])) < MEAN[device]


class OnTheDevice:
    """Pictures of the pattern, on a device."""

    live = False

    def __init__(self, device, count):
        self._pattern, self._device = PatternSource(96, 64, live=False, frames=count), device
        self.info = self._pattern.info

    def __iter__(self):
        for frame in self._pattern:
            yield dataclasses.replace(frame, image=torch.from_numpy(frame.image).to(self._device))

    def close(self):
        self._pattern.close()


@pytest.mark.parametrize("controls", [Controls(split=0.5, keep_colors=True), Controls(blackout=True)])
def test_a_show_on_the_device_is_the_show_on_the_host(device, controls, tmp_path):
    shown = []
    for source in (OnTheDevice(device, 6), PatternSource(96, 64, live=False, frames=6)):
        first = pack()
        repertoire = Repertoire([first], first, lambda pack: TorchStylizer(pack, device=device))
        file = tmp_path / f"{len(shown)}.mkv"
        Pipeline(source, Staging(repertoire, 30), [FileSink(file)], controls=controls).run()
        shown.append([frame.image for frame in FileSource(file)])
    assert np.array_equal(*shown)


def test_packs_fade_into_each_other_on_the_device(device):
    other = dataclasses.replace(pack(), manifest=pack().manifest.model_copy(update={"name": "others"}))
    packs = [pack(), other]
    repertoire = Repertoire(packs, packs[0], lambda pack: TorchStylizer(pack, device=device))
    staging, image = Staging(repertoire, 30), torch.from_numpy(picture()).to(device)
    staging.use(Controls(mix={"paintings/scream": 1.0}))
    first = staging(image).clone()
    staging.use(Controls(mix={"others/great_wave": 1.0}, fade=0.2))
    fading = [staging(image).clone() for _ in range(8)]
    last = staging(image)
    ways = [apart(painting.cpu(), first.cpu()) / apart(last.cpu(), first.cpu()) for painting in fading]
    assert ways == sorted(ways)
    assert 0 < ways[0] < 0.3
    assert ways[-1] == 1
