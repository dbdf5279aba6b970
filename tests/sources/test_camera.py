"""Cameras, with recordings in place of the device: what the system lists, what opens, what is given."""

import os
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest

from murai.errors import CameraError, StreamLost
from murai.sources.camera import CameraDevice, CameraSource, Options, list_cameras
from murai.sources.file import FileSource
from tests.sources.kit import closed_from_another_thread, grey, make_video

C920 = CameraDevice("/dev/video0", "HD Pro Webcam C920")
C920_DATA = CameraDevice("/dev/video1", "HD Pro Webcam C920")


class Desk:
    """A recorded computer: which device and format opens which recording, or why not."""

    def __init__(self, **opens: Path | Exception) -> None:
        self.opens = opens
        self.asked: list[tuple[str, str, Options]] = []

    def open(self, device: str, layer: str, options: Options) -> av.container.InputContainer:
        self.asked.append((device, layer, options))
        wanted = options.get("input_format") or options.get("vcodec") or options.get("pixel_format") or "any"
        found = self.opens.get(wanted, av.error.ArgumentError(22, "Invalid argument", device))
        if isinstance(found, Exception):
            raise found
        return av.open(found)


@pytest.fixture(scope="module")
def mjpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("camera") / "a.avi", list(range(10)), codec="mjpeg")


def linux(desk: Desk, *cameras: CameraDevice, **settings: object) -> CameraSource:
    return CameraSource(opener=desk.open, lister=lambda _: list(cameras), platform="linux", **settings)  # type: ignore[arg-type]


def test_the_first_camera_gives_its_frames_mirrored_and_then_counts_as_lost(mjpeg: Path) -> None:
    source = linux(Desk(mjpeg=mjpeg), C920)
    assert (source.live, source.info.live) == (True, True)
    assert (source.info.width, source.info.height, source.info.rate) == (64, 48, 10)
    straight = [f.image for f in FileSource(mjpeg)]
    frames = iter(source)
    for n, image in enumerate(straight):
        frame = next(frames)
        assert np.array_equal(frame.image, image[:, ::-1])
        assert (frame.index, frame.pts) == (n, n)
    with pytest.raises(StreamLost, match=r"Camera /dev/video0 \(HD Pro Webcam C920\) has ended"):
        next(frames)


def test_mirror_and_rotation_can_be_chosen(mjpeg: Path) -> None:
    source = linux(Desk(mjpeg=mjpeg), C920, mirror=False, rotate=90)
    assert (source.info.width, source.info.height) == (48, 64)
    assert next(iter(source)).image[4, 4].tolist() == pytest.approx([30, 30, 220], abs=12)
    source.close()


def test_formats_are_asked_for_in_turn_with_size_and_rate(mjpeg: Path) -> None:
    desk = Desk(any=mjpeg)
    linux(desk, C920, size=(640, 480), rate=15).close()
    wish = {"video_size": "640x480", "framerate": "15"}
    formats = [{"input_format": name, **wish} for name in ("mjpeg", "h264", "yuyv422")]
    assert desk.asked == [("/dev/video0", "v4l2", options) for options in (*formats, wish)]


@pytest.mark.parametrize(
    ("platform", "device", "layer", "address"),
    [
        ("linux", "2", "v4l2", "/dev/video2"),
        ("linux", "/dev/video4", "v4l2", "/dev/video4"),
        ("darwin", "0", "avfoundation", "0"),
        ("win32", "USB Camera", "dshow", "video=USB Camera"),
    ],
)
def test_every_platform_has_its_layer_and_its_way_to_name_a_device(
    mjpeg: Path, platform: str, device: str, layer: str, address: str
) -> None:
    desk = Desk(mjpeg=mjpeg, nv12=mjpeg)
    CameraSource(device, opener=desk.open, platform=platform).close()
    assert desk.asked[0][:2] == (address, layer)


def test_the_second_device_is_taken_when_the_first_is_busy(mjpeg: Path) -> None:
    class OneBusy(Desk):
        def open(self, device: str, layer: str, options: Options) -> av.container.InputContainer:
            if device == "/dev/video0":
                raise av.error.OSError(16, "Device or resource busy", device)
            return super().open(device, layer, options)

    source = linux(OneBusy(mjpeg=mjpeg), C920, CameraDevice("/dev/video2", "Spare"))
    assert grey(next(iter(source))) >= 0
    source.close()


def test_when_none_opens_each_is_named_with_its_reason() -> None:
    with pytest.raises(CameraError) as caught:
        linux(Desk(any=av.error.OSError(16, "Device or resource busy", "x")), C920, C920_DATA)
    message = str(caught.value)
    assert "/dev/video0 (HD Pro Webcam C920) cannot be opened: Device or resource busy" in message
    assert "/dev/video1" in message
    assert "Close other programs" in message


def test_no_camera_at_all_says_so() -> None:
    with pytest.raises(CameraError, match="No camera was found; connect one"):
        linux(Desk())


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(CameraError, match="plan9"):
        CameraSource(platform="plan9")


def test_the_real_layers_answer_on_this_machine() -> None:
    assert all(isinstance(camera, CameraDevice) for camera in list_cameras())
    if sys.platform != "linux":
        pytest.skip("only Linux has V4L2")
    with pytest.raises(CameraError, match="Camera 97 cannot be opened: No such file or directory"):
        CameraSource("97")


def late_keyframe(path: Path) -> Path:
    """H.264 whose first keyframe was missed, as when a camera is already running."""
    make_video(path.with_suffix(".all.ts"), list(range(40)), gop=15)
    with av.open(path.with_suffix(".all.ts")) as inp, av.open(path, "w") as out:
        stream = out.add_stream_from_template(inp.streams.video[0])
        for number, packet in enumerate(inp.demux(video=0)):
            if packet.dts is not None and number > 3:
                packet.stream = stream
                out.mux(packet)
    return path


def test_pictures_begin_at_the_first_keyframe(tmp_path: Path) -> None:
    source = linux(Desk(h264=late_keyframe(tmp_path / "a.ts")), C920, mirror=False)
    assert grey(next(iter(source))) == 15
    source.close()


def test_waiting_is_said_after_a_second_and_has_an_end(tmp_path: Path) -> None:
    pipe = tmp_path / "camera"  # a driver that never answers: a pipe nobody writes to
    os.mkfifo(pipe)
    said: list[str] = []
    with pytest.raises(CameraError, match="shows no picture"):
        CameraSource(
            str(pipe), opener=lambda device, *_: av.open(device), platform="darwin", patience=0.2, say=said.append
        )
    assert said
    assert "waiting for a first whole picture" in said[0]
    with pipe.open("wb"):  # lets the hanging threads end
        time.sleep(0.2)


def test_a_camera_that_opens_and_shows_nothing_is_not_asked_again_and_the_next_is_taken(
    tmp_path: Path, mjpeg: Path
) -> None:
    pipe, asked = tmp_path / "camera", list[str]()
    os.mkfifo(pipe)

    def open_(device: str, layer: str, options: Options) -> av.container.InputContainer:
        asked.append(device)
        return av.open(pipe if device == "/dev/video0" else mjpeg)

    spare = CameraDevice("/dev/video2", "Spare")
    source = CameraSource(opener=open_, lister=lambda _: [C920, spare], platform="linux", patience=0.2)
    assert asked == ["/dev/video0", "/dev/video2"]
    source.close()
    with pytest.raises(CameraError, match=r"HD Pro Webcam C920.* shows no picture after 0\.2 seconds"):
        CameraSource(opener=open_, lister=lambda _: [C920], platform="linux", patience=0.2)
    assert asked == ["/dev/video0", "/dev/video2", "/dev/video0"]
    with pipe.open("wb"):  # lets the hanging threads end
        time.sleep(0.2)


def test_a_camera_that_stops_sending_can_be_closed_at_once(tmp_path: Path, mjpeg: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    quiet = threading.Event()

    def feed() -> None:
        with pipe.open("wb") as out:
            with av.open(mjpeg) as recording:
                packets = [bytes(packet) for packet in recording.demux(video=0) if packet.size]
            out.write(b"".join(packets))
            out.flush()
            quiet.wait(30)

    feeder = threading.Thread(target=feed)
    feeder.start()
    source = CameraSource(
        str(pipe),
        opener=lambda device, layer, options: av.open(device, format="mjpeg", options={"probesize": "2000"}),
        platform="linux",
    )
    closing = closed_from_another_thread(source.close, after=0.5)
    started = time.monotonic()
    assert len(list(source)) >= 5
    assert time.monotonic() - started < 4, "the reader was woken by its own patience, not by close"
    quiet.set()
    feeder.join()
    closing.join()
