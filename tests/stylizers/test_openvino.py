"""The CPU runtime and stylizer, with a real graph, against the same arithmetic in numpy."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from murai.controls import Controls
from murai.errors import PackError, RuntimeUnsupported, UnknownStyle
from murai.packs import StylePack, write_pack
from murai.stylizers import compose, open_stylizer
from murai.stylizers.apply import apply
from murai.stylizers.openvino import CACHED, OpenVINORuntime, OpenVINOStylizer, has_bf16
from tests.packs_support import STYLES, coefficients, make_pack, paint, tiny_graph, tiny_manifest, vector

SIZES = [(48, 64), (37, 51), (1, 1), (3, 5), (2, 200)]  # height, width
EVEN = [(48, 64), (36, 52), (2, 2), (2, 200)]
TOLERANCE = 1  # levels: a value halfway between two may round either way


def picture(height=48, width=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height, width):
    """A picture that is the same scene at every size."""
    y, x = (np.arange(side) / side for side in (height, width))
    waves = [np.sin(5 * x + c)[None] * np.cos((3 + c) * y)[:, None] for c in range(3)]
    return (127.5 + 100 * np.stack(waves, -1)).round().astype(np.uint8)


def difference(a, b):
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.fixture(scope="module")
def pack(tiny_pack):
    return StylePack.load(tiny_pack)


@pytest.fixture(scope="module")
def runtime(pack):
    return OpenVINORuntime(pack.model, precision="f32")


@pytest.fixture
def stylizer(pack):
    return OpenVINOStylizer(pack, precision="f32")


# The runtime


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", EVEN)
def test_the_runtime_finds_the_coefficients_that_numpy_finds(runtime, size, style):
    image = picture(*size)
    strokes, matrix = runtime.coefficients(image, vector(style))
    wanted_strokes, wanted_matrix = coefficients(image, vector(style))
    assert strokes.dtype == matrix.dtype == np.float32
    assert strokes.shape == image.shape
    assert matrix.shape == (size[0] // 2, size[1] // 2, 9)
    assert np.allclose(strokes, wanted_strokes, atol=1e-5)
    assert np.allclose(matrix, wanted_matrix.flatten(), atol=1e-5)
    assert runtime.seconds > 0


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", SIZES)
def test_the_runtime_paints_what_numpy_paints(runtime, size, style):
    image = picture(*size)
    painted = runtime.run(image, vector(style))
    assert painted.dtype == np.uint8
    assert painted.shape == image.shape
    assert difference(painted, paint(image, vector(style))) <= TOLERANCE
    half = runtime.run(image, vector(style), strength=0.5)
    assert difference(half, paint(image, vector(style), strength=0.5)) <= TOLERANCE


def test_a_painting_is_not_overwritten_by_the_next(runtime):
    first = runtime.run(picture(seed=1), vector("warm"))
    kept = first.copy()
    runtime.run(picture(seed=2), vector("invert"))
    assert np.array_equal(first, kept)


def test_pictures_that_are_mirrored_or_read_only_are_painted_alike(runtime):
    image = picture()
    wanted = runtime.run(np.ascontiguousarray(image[:, ::-1]), vector("warm"))
    image.setflags(write=False)
    assert np.array_equal(runtime.run(image[:, ::-1], vector("warm")), wanted)


@pytest.mark.parametrize(
    ("image", "style"),
    [
        (np.zeros((1, 4, 4, 3), np.uint8), vector("warm")),
        (np.zeros((4, 4, 4), np.uint8), vector("warm")),
        (np.zeros((4, 4), np.uint8), vector("warm")),
        (np.zeros((3, 4, 3), np.uint8), vector("warm")),
        (np.zeros((4, 5, 3), np.uint8), vector("warm")),
        (np.zeros((4, 4, 3), np.float32), vector("warm")),
        (np.zeros((4, 4, 3), np.uint8), vector("warm")[None]),
        (np.zeros((4, 4, 3), np.uint8), vector("warm")[:5]),
        (np.zeros((4, 4, 3), np.uint8), vector("warm").astype(np.float64)),
    ],
)
def test_other_shapes_and_types_are_refused(runtime, image, style):
    with pytest.raises(ValueError, match=r"is (uint8|float32) \["):
        runtime.coefficients(image, style)


def test_only_a_few_sizes_stay_prepared_and_all_paint_rightly(pack):
    runtime = OpenVINORuntime(pack.model, precision="f32")
    for width in (*range(8, 8 + 4 * CACHED, 2), 8, 6 + 4 * CACHED, 8):
        image = picture(6, width)
        assert difference(runtime.run(image, vector("warm")), paint(image, vector("warm"))) <= TOLERANCE
        assert len(runtime._requests) <= CACHED
    assert (1, 6, 8, 3) in runtime._requests
    assert (1, 6, 10, 3) not in runtime._requests


def test_auto_precision_says_what_it_kept_and_why(pack):
    if not has_bf16():
        pytest.skip("this CPU has no bf16, so there is nothing to choose")
    said = []
    runtime = OpenVINORuntime(pack.model, say=said.append)
    runtime.run(picture(), vector("warm"))
    assert runtime.precision in ("f32", "bf16")
    (sentence,) = said
    assert sentence.startswith(f"painting in {runtime.precision}")
    assert sentence.count(" ms") == 2
    runtime.run(picture(20, 30), vector("warm"))
    assert len(said) == 1


def test_without_bf16_it_is_f32_and_bf16_is_refused(pack):
    if has_bf16():
        assert OpenVINORuntime(pack.model, precision="bf16").precision == "bf16"
    else:
        assert OpenVINORuntime(pack.model).precision == "f32"
        with pytest.raises(RuntimeUnsupported, match="bf16"):
            OpenVINORuntime(pack.model, precision="bf16")


def test_one_thread_paints_the_same(pack, runtime):
    single = OpenVINORuntime(pack.model, precision="f32", threads=1)
    assert np.array_equal(single.run(picture(), vector("warm")), runtime.run(picture(), vector("warm")))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: b"", "no ONNX graph"),
        (lambda: b"nonsense" * 100, "no ONNX graph"),
        (lambda: tiny_graph()[:200], "no ONNX graph"),
        (lambda: tiny_graph(drop=("Pad",)), "no ONNX graph"),
        (lambda: tiny_graph(image_type=1), "its inputs and outputs are"),
        (lambda: tiny_graph(style_size="any"), "how long a style is"),
        (lambda: tiny_graph(external="weights.bin"), "further files"),
    ],
)
def test_a_graph_that_is_no_packs_is_refused(model, message):
    with pytest.raises(PackError, match=message) as caught:
        OpenVINORuntime(model())
    assert "\n" not in str(caught.value)


def test_a_graph_that_changes_the_size_of_pictures_is_refused():
    runtime = OpenVINORuntime(tiny_graph(crop=True), precision="f32")
    with pytest.raises(PackError, match="another size"):
        runtime.run(picture(), vector("warm"))


def test_a_graph_cannot_read_files_even_where_they_are(tmp_path, monkeypatch):
    (tmp_path / "weights.bin").write_bytes(np.zeros(81, np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PackError, match="further files"):
        OpenVINORuntime(tiny_graph(external="weights.bin"))


# The stylizer


def test_a_stylizer_paints_the_first_style_until_told_otherwise(stylizer):
    image = picture()
    assert stylizer.mix == {"invert": 1.0}
    assert difference(stylizer(image), paint(image, vector("invert"))) <= TOLERANCE
    stylizer.use(Controls(mix={"warm": 2.0}))
    assert stylizer.mix == {"warm": 2.0}
    assert difference(stylizer(image), paint(image, vector("warm"))) <= TOLERANCE


def test_a_blend_paints_with_the_mean_vector(stylizer):
    image = picture()
    stylizer.use(Controls(mix={"warm": 3.0, "invert": 1.0}))
    mean = 0.75 * vector("warm") + 0.25 * vector("invert")
    assert difference(stylizer(image), paint(image, mean)) <= TOLERANCE


@pytest.mark.parametrize("boldness", [0.0, 0.25, 1.0])
def test_boldness_paints_between_the_ends(stylizer, boldness):
    image = picture()
    stylizer.use(Controls(mix={"warm": 1.0}, boldness=boldness))
    assert difference(stylizer(image), paint(image, vector("warm", boldness))) <= TOLERANCE
    stylizer.use(Controls(mix={"warm": 3.0, "invert": 1.0}, boldness=boldness))
    mean = 0.75 * vector("warm", boldness) + 0.25 * vector("invert", boldness)
    assert difference(stylizer(image), paint(image, mean)) <= TOLERANCE


def test_weights_are_blended_only_where_the_style_changes(stylizer, monkeypatch):
    asked = []
    blend = StylePack.vector
    monkeypatch.setattr(StylePack, "vector", lambda *arguments: asked.append(1) or blend(*arguments))
    for strength in (1.0, 0.5, 0.0):
        stylizer.use(Controls(mix={"warm": 1.0}, strength=strength, keep_colors=strength > 0.5))
    assert len(asked) == 1
    stylizer.use(Controls(mix={"warm": 1.0}, boldness=0.75))
    stylizer.use(Controls(mix={"invert": 1.0}, boldness=0.75))
    assert len(asked) == 3


def test_strength_0_is_the_same_bits_and_runs_no_network(stylizer):
    stylizer.use(Controls(strength=0.0, keep_colors=True))
    image = picture()
    assert stylizer(image) is image
    assert not stylizer.runtime._requests
    assert stylizer.network_seconds == 0


def test_strength_goes_evenly_from_the_picture_to_the_painting(stylizer):
    image = picture()
    painted = stylizer(image)
    for strength in (0.25, 0.5, 0.75):
        stylizer.use(Controls(strength=strength))
        exact = image + (painted.astype(float) - image) * strength
        assert np.abs(stylizer(image) - exact).max() <= 1.0


def test_a_gentle_painting_at_a_smaller_work_size_keeps_the_detail_of_the_picture(pack):
    stylizer, image = OpenVINOStylizer(pack, precision="f32", size=(32, 24)), picture()
    stylizer.use(Controls(strength=0.01))
    assert difference(stylizer(image), image) <= 2


def test_kept_colours_are_the_brightness_of_the_painting(stylizer):
    image = picture()
    painted = stylizer(image)
    stylizer.use(Controls(keep_colors=True))
    assert np.array_equal(stylizer(image), compose.keep_colors(image, painted))


def test_a_style_of_another_pack_is_refused_and_the_old_one_stays(stylizer):
    with pytest.raises(UnknownStyle, match="pack tiny has no style 'night'"):
        stylizer.use(Controls(mix={"night": 1.0}, strength=0.0))
    image = picture()
    assert difference(stylizer(image), paint(image, vector("invert"))) <= TOLERANCE


@pytest.mark.parametrize("size", [(32, 24), (20, 20), (640, 480), (1, 1)])
@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (33, 47), (1, 1)])
def test_a_work_size_finds_coefficients_there_and_paints_every_pixel(pack, size, shape):
    stylizer = OpenVINOStylizer(pack, size=size, precision="f32")
    image = picture(*shape)
    painted = stylizer(image)
    width, height = compose.work_size(shape[1], shape[0], size, 1.0)
    assert list(stylizer.runtime._requests) == [(1, height, width, 3)]
    assert painted.shape == image.shape
    assert difference(painted, paint(image, vector("invert"), (width, height))) <= TOLERANCE


@pytest.mark.parametrize("shape", [(1080, 1920), (1920, 1080), (2160, 3840)])
def test_a_large_picture_is_painted_by_what_is_found_at_the_work_size(stylizer, shape):
    image = smooth(*shape)
    work = (640, 360) if shape[1] > shape[0] else (360, 640)
    found = stylizer.runtime.coefficients(compose.shrink(image, *work), vector("invert"))
    wanted = apply(image, *(each.copy() for each in found))
    assert np.array_equal(stylizer(image), wanted)
    assert list(stylizer.runtime._requests) == [(1, *work[::-1], 3)]
    assert stylizer.about.startswith(f"{work[0]}x{work[1]} on the CPU")


def test_strokes_take_the_same_share_of_a_picture_of_any_size(stylizer):
    small, large = (stylizer(smooth(*shape)) for shape in ((360, 640), (1080, 1920)))
    assert difference(compose.shrink(large, 640, 360), small) <= 4


def test_calm_holds_back_the_noise_of_a_dim_camera_at_a_smaller_size(pack):
    rng = np.random.default_rng(0)
    dim = np.clip(128 + rng.normal(0, 10, (12, 96, 128, 3)), 0, 255).astype(np.uint8)
    stylizer = OpenVINOStylizer(pack, size=(64, 48), precision="f32")
    changes = []
    for calm in (0.0, 1.0):
        stylizer.use(Controls(calm=calm))
        painted = np.stack([stylizer(picture) for picture in dim]).astype(float)
        changes.append(np.abs(np.diff(painted[4:], axis=0)).mean())
    assert changes[1] < changes[0] / 4


@pytest.mark.parametrize(("stroke_size", "work"), [(2.0, (16, 12)), (4.0, (8, 6)), (0.5, (64, 48)), (1.4, (22, 16))])
def test_larger_strokes_are_found_at_a_smaller_size(pack, stroke_size, work):
    stylizer, image = OpenVINOStylizer(pack, size=(32, 32), precision="f32"), picture()
    stylizer.use(Controls(stroke_size=stroke_size))
    assert difference(stylizer(image), paint(image, vector("invert"), work)) <= TOLERANCE
    assert stylizer(picture(1, 2)).shape == (1, 2, 3)


def test_a_stylizer_follows_a_change_of_size_and_forgets_nothing_on_reset(stylizer):
    stylizer.use(Controls(mix={"warm": 1.0}))
    for size in (*SIZES, *SIZES):
        image = picture(*size)
        stylizer.reset()
        assert difference(stylizer(image), paint(image, vector("warm"))) <= TOLERANCE


def test_the_input_is_never_changed(pack):
    stylizer = OpenVINOStylizer(pack, size=(20, 20), precision="f32")
    image = picture()
    kept = image.copy()
    for controls in (Controls(), Controls(strength=0.4), Controls(keep_colors=True)):
        stylizer.use(controls)
        stylizer(image)
        assert np.array_equal(image, kept)


def test_a_pack_whose_graph_takes_other_vectors_is_refused(tmp_path):
    styles = np.ones((2, 2, 7), np.float16)
    pack = write_pack(tmp_path / "p", tiny_manifest(style_size=7), tiny_graph(), styles)
    with pytest.raises(PackError, match="takes other styles than it holds"):
        OpenVINOStylizer(pack)


def test_a_bad_graph_is_refused_by_the_name_of_its_pack(tmp_path):
    pack = StylePack.load(make_pack(tmp_path / "p", model=b"nonsense"))
    with pytest.raises(PackError, match=f"^the network of {pack.path} is no ONNX graph"):
        OpenVINOStylizer(pack)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_refused_whatever_the_strength(stylizer, image):
    for strength in (0.0, 1.0):
        stylizer.use(Controls(strength=strength))
        with pytest.raises(ValueError, match=r"a picture is uint8 \[height, width, 3\], RGB, not"):
            stylizer(image)


def test_a_work_size_of_nothing_is_refused(pack):
    with pytest.raises(ValueError, match="at least 1x1"):
        OpenVINOStylizer(pack, size=(640, 0))


# open_stylizer


def test_open_stylizer_knows_its_pack_and_its_mix(tiny_pack):
    stylizer = open_stylizer("warm:0.75,invert:0.25", folders=[tiny_pack.parent], size=(32, 24), precision="f32")
    assert stylizer.pack.name == "tiny"
    assert stylizer.mix == {"warm": 0.75, "invert": 0.25}
    assert stylizer.size == (32, 24)
    assert stylizer.runtime.precision == "f32"
    assert stylizer(picture()).shape == (48, 64, 3)


def test_open_stylizer_takes_a_path_and_finds_only_the_tier_asked_for(tiny_pack):
    assert open_stylizer(str(tiny_pack)).mix == {"invert": 1.0}
    with pytest.raises(UnknownStyle, match="tier fine"):
        open_stylizer("warm", folders=[tiny_pack.parent], tier="fine")


def test_a_card_that_is_not_there_is_said_in_one_sentence():
    torch = pytest.importorskip("torch", reason="painting on a card is done by torch")
    if torch.cuda.is_available():
        pytest.skip("there is a card here")
    with pytest.raises(RuntimeUnsupported, match="use --device cpu or leave --device out"):
        open_stylizer("starry_night", device="cuda")


# What importing and painting must not do


def run_alone(code, *arguments, home):
    """Run `code` in a fresh interpreter with an empty home folder, as on a user's machine."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "HOME")}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment | {"HOME": str(home)},
    )


def test_ctrl_c_is_heard_after_another_thread_let_go_of_the_last_runtime(tiny_pack, tmp_path):
    code = """
        import faulthandler, os, signal, sys, threading
        import numpy
        from murai.packs import StylePack
        from murai.stylizers.openvino import OpenVINOStylizer
        faulthandler.enable()  # its signal stack is where the trouble would begin
        held = [OpenVINOStylizer(StylePack.load(sys.argv[1]))]
        held[0](numpy.zeros((8, 8, 3), "uint8"))
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        try:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(20)
        except KeyboardInterrupt:
            print("heard")
    """
    run = run_alone(textwrap.dedent(code), tiny_pack, home=tmp_path)
    assert (run.returncode, run.stdout) == (0, "heard\n"), run.stderr


WATCH = """
import sys
WATCHED = ("socket", "urllib", "os.fork", "os.posix_spawn", "os.exec", "os.system", "subprocess")
touched = []
sys.addaudithook(lambda event, _: touched.append(event) if event.startswith(WATCHED) else None)
"""
"""Python announces each of these: sockets, and new processes, in which they could hide."""


def test_painting_opens_no_socket_loads_no_torch_and_leaves_nothing_at_home(tiny_pack, tmp_path):
    code = """
        import threading
        import numpy as np
        from murai.stylizers import open_stylizer
        assert "openvino" not in sys.modules, "openvino is imported before it is needed"
        open_stylizer(sys.argv[1])(np.zeros((48, 64, 3), np.uint8))
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(10)
        assert "torch" not in sys.modules
        assert "onnx" not in sys.modules
        assert not touched, touched
        print("painted")
    """
    done = run_alone(WATCH + textwrap.dedent(code), tiny_pack, home=tmp_path)
    assert done.stdout == "painted\n", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("code", "event"),
    [("import socket; socket.socket().close()", "socket.__new__"), ("import os; os.fork() or os._exit(0)", "os.fork")],
)
def test_the_watch_notices_a_socket_and_a_process(tmp_path, code, event):
    assert event in run_alone(f"{WATCH}\n{code}\nprint(touched)", home=tmp_path).stdout
