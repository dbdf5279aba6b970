import base64
import io
import json
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from murai.errors import TrainError  # noqa: E402
from murai.packs import LossNetworkRecord, Style  # noqa: E402
from murai.train.report import write_report  # noqa: E402
from tests.packs_support import tiny_manifest  # noqa: E402

NASTY = "<script>alert(\"x\")</script> & 'more'"


class Page(HTMLParser):
    """Which elements a page has, their attributes, and its text; fails where elements do not nest."""

    VOID = {"meta", "img", "br", "line", "polyline"}

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def jpeg(size, colour=(200, 30, 30)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


RUN = "invert-faithful"


def log(folder, rows):
    folder = folder / RUN
    folder.mkdir(exist_ok=True)
    (folder / "losses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write(folder, described, **more):
    return write_report(folder, described, runs=[RUN], **more)


def manifest(**changes):
    loss = LossNetworkRecord(name="vgg19", file="weights.pth", sha256="0123456789abcdef" * 4, input="caffe")
    stage = {"end": "faithful", "steps": 40, "learning_rate": 0.003, "layers": [0.3, 0.5, 1.5, 3.0]}
    training = {"loss_layers": ["relu1_2", "relu2_2"], "photographs": 3000, "styles": {"invert": [stage]}}
    measured = {"invert": {"content": 0.5, "style": 0.125, "total": 1.125, "photographs": 32}}
    return tiny_manifest(**({"loss_network": loss, "training": training, "measured": measured} | changes))


@pytest.fixture
def run(tmp_path):
    """A run's folder as training leaves it."""
    log(tmp_path, [{"step": i, "content": 1 / i, "style": 20 / i} for i in range(1, 1001)])
    (tmp_path / "sheet.jpg").write_bytes(jpeg((2816, 1024)))
    return tmp_path


def test_the_report_holds_settings_figures_curves_and_pictures(run):
    path = write(run, manifest(), preview=jpeg((400, 200)), warnings=["something is flat."])
    assert path == run / "report.html"
    page = Page(path.read_text())
    for text in ("tiny", "learning_rate", "0.003", "relu1_2", "3,000", "0.125", "1.125", "vgg19", "something is flat."):
        assert text in page.text, text
    assert len(page.of("svg")) == len(page.of("polyline")) == 2
    assert len(page.of("img")) == 2


def test_nothing_is_fetched_and_nothing_runs(run):
    source = write(run, manifest(), preview=jpeg((40, 20))).read_text()
    page = Page(source)
    assert not page.of("script")
    assert not page.of("link")
    links = [v for _, attributes in page.elements for k, v in attributes.items() if k in ("src", "href")]
    assert links
    assert all(link.startswith("data:image/jpeg;base64,") for link in links)
    assert "url(" not in source
    assert "@import" not in source


def test_pictures_lie_inside_and_no_wider_than_they_are_shown(run):
    source = write(run, manifest(), preview=jpeg((400, 200), (30, 30, 200))).read_text()
    pictures = [base64.b64decode(data) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", source)]
    sheet, preview = (Image.open(io.BytesIO(picture)) for picture in pictures)
    assert sheet.width < 2816
    assert abs(sheet.width / sheet.height - 2.75) < 0.01
    assert preview.size == (400, 200)


def test_everything_from_outside_is_escaped(run):
    styles = [Style(name="invert", title=NASTY, artist=NASTY)]
    log(run, [{"step": 1, NASTY: 1.0}, {"step": 2, NASTY: 1.0}])
    training = {NASTY: NASTY, "list": [NASTY], "mapping": {NASTY: NASTY}, "styles": {NASTY: [{NASTY: NASTY}, NASTY]}}
    measured = {NASTY: {NASTY: NASTY}}
    page = Page(write(run, manifest(styles=styles, training=training, measured=measured), warnings=[NASTY]).read_text())
    assert not page.of("script")
    assert page.text.count("alert") >= 9


def test_a_run_with_nothing_to_show_still_has_a_report(tmp_path):
    page = Page(write(tmp_path, manifest(measured={})).read_text())
    assert "learning_rate" in page.text
    assert not page.of("img")
    assert not page.of("svg")
    assert "Figures" not in page.text


def test_a_damaged_log_shows_what_is_whole(tmp_path):
    whole = [{"step": i, "style": 2.0, "content": 0.0} for i in range(1, 6)]
    log(tmp_path, whole)
    with (tmp_path / RUN / "losses.jsonl").open("a") as file:
        file.write('{"step": 6, "style": NaN}\n[]\n7\n{"style": 1}\n{"step": 7, "st')
    page = Page(write(tmp_path, manifest()).read_text())
    assert len(page.of("svg")) == 1  # a term that is 0 has no place on a logarithmic axis
    assert "5 steps" in page.text


@pytest.mark.parametrize("steps", [1, 2, 179, 180, 181, 5000])
def test_curves_stay_inside_their_frame_and_short(tmp_path, steps):
    log(tmp_path, [{"step": i, "style": 3.0 / i} for i in range(1, steps + 1)])
    page = Page(write(tmp_path, manifest()).read_text())
    (svg,), (line,) = page.of("svg"), page.of("polyline")
    _, _, width, height = map(float, svg["viewbox"].split())
    points = [tuple(map(float, point.split(","))) for point in line["points"].split()]
    assert min(steps, 90) <= len(points) <= 180
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_two_runs_of_like_losses_share_their_axes(tmp_path):
    texts = []
    for k, low in enumerate((0.15, 0.4)):
        folder = tmp_path / str(k)
        folder.mkdir()
        log(folder, [{"step": i, "style": low + 0.5 / i} for i in range(1, 100)])
        page = Page(write(folder, manifest()).read_text())
        texts.append(re.sub(r"at the end [\d.]+", "", page.text))
    assert texts[0] == texts[1]


def test_a_report_is_written_whole_and_replaces_the_former(run):
    (run / "report.html").write_text("former")
    write(run, manifest())
    assert (run / "report.html").read_text().endswith("</html>\n")
    assert not [path for path in run.iterdir() if "part" in path.name]


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(TrainError, match="report"):
        write(tmp_path / "gone", manifest())


def test_each_run_has_its_curves(run):
    (run / "invert-bold").mkdir()
    (run / "invert-bold" / "losses.jsonl").write_text('{"step": 1, "style": 2.0}\n')
    page = Page(write_report(run, manifest(), runs=[RUN, "invert-bold", "never-begun"]).read_text())
    assert len(page.of("svg")) == 3
    assert all(text in page.text for text in ("Losses: invert-faithful", "Losses: invert-bold"))
    assert "never-begun" not in page.text
