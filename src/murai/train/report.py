"""A run on one page: its settings, curves, paintings and figures in one HTML file that needs nothing else.

The page has a fixed width and its curves fixed axes, as far as they can be, so that two of them side by side compare.
"""

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import fmean
from typing import Any

from PIL import Image as Pillow

from murai.errors import TrainError
from murai.packs import Manifest
from murai.train.runfiles import LOG
from murai.train.sheet import SHEET

REPORT = "report.html"
WIDTH = 760
"""Of the page in CSS pixels: two fit side by side on a common screen."""
POINTS = 180
"""Of a curve at most; each is the mean of the steps it stands for."""

STYLE = f"""
body {{ width: {WIDTH}px; margin: 24px auto; font: 14px/1.45 system-ui, sans-serif; color: #222; background: #fff }}
h1 {{ margin: 0; font-size: 24px }} h2 {{ margin: 28px 0 8px; font-size: 17px; border-bottom: 1px solid #ccc }}
img {{ max-width: 100%; display: block }} p {{ margin: 6px 0 }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: 3px 8px 3px 0; vertical-align: top }}
tr + tr {{ border-top: 1px solid #eee }} td {{ overflow-wrap: anywhere }} table.settings th {{ width: 170px }}
.curves {{ display: grid; grid-template-columns: 1fr 1fr; gap: 12px 20px }} figure {{ margin: 0 }}
svg {{ display: block; width: 100%; height: auto }} svg text {{ font-size: 11px; fill: #666 }}
.warning {{ background: #fff3cd; padding: 8px 12px; border-left: 4px solid #e0a800 }}
"""


def write_report(
    folder: Path,
    manifest: Manifest,
    *,
    runs: Sequence[str] = (),
    preview: bytes = b"",
    warnings: Sequence[str] = (),
) -> Path:
    """Write `folder`/report.html, whole or not at all, and give its path.

    `folder` holds `sheet.jpg` and the folders of the `runs`, each with `losses.jsonl`: they are read where they are.
    `manifest` says the settings and the figures, `preview` is the pack's JPEG, `warnings` what was said while learning.
    Raises TrainError.
    """
    works = "; ".join(filter(None, (", ".join(filter(None, (s.title, s.artist))) for s in manifest.styles)))
    page = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{escape(manifest.name)}</title><style>{STYLE}</style></head><body>",
        f"<h1>{escape(manifest.name)}</h1><p>{escape(works)}</p>",
        *(f'<p class="warning">{escape(warning)}</p>' for warning in warnings),
        *_section("Figures", _figures(manifest.measured)),
        *(line for run in runs for line in _section(f"Losses: {run}", _curves(_read_log(folder / run / LOG)))),
        *_section("While learning: photographs, then a row for each run", _image(_read(folder / SHEET))),
        *_section("What it paints now: a row a style", _image(preview)),
        *_section("Settings", _table(_settings(manifest), "settings")),
        "</body></html>",
    ]
    path, temporary = folder / REPORT, folder / f".{REPORT}.part"
    try:
        temporary.write_text("\n".join(page) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise TrainError(f"{path} cannot be written ({error}); free the disk or choose another.") from error
    return path


def _section(title: str, content: str) -> list[str]:
    return [f"<h2>{escape(title)}</h2>", content] if content else []


def _figures(measured: Mapping[str, Any]) -> str:
    """A table with a row a style; nothing where nothing was measured."""
    if not measured:
        return ""
    columns = figure_names(measured)
    head = "".join(f"<th>{escape(name)}</th>" for name in ("style", *columns))
    rows = (
        f"<tr><td>{escape(style)}</td>" + "".join(f"<td>{_text(row.get(name, ''))}</td>" for name in columns) + "</tr>"
        for style, row in measured.items()
    )
    return f"<table><tr>{head}</tr>{''.join(rows)}</table><p>On photographs never learned from.</p>"


def figure_names(measured: Mapping[str, Any]) -> list[str]:
    """What was measured of any style, in order."""
    return list(dict.fromkeys(name for row in measured.values() for name in row))


def _settings(manifest: Manifest) -> dict[str, Any]:
    """Everything the pack says of how it came about, with flat names."""
    loss = manifest.loss_network
    return {
        "styles": [" ".join(f"{k} {v}" for k, v in s.model_dump(exclude_none=True).items()) for s in manifest.styles],
        "architecture": f"{manifest.architecture.name} {manifest.architecture.arguments or ''}",
        "tier": manifest.tier,
        "weights of a style": f"{manifest.style_size:,}, {manifest.ends} ends",
        "multiply-adds per pixel": round(manifest.mac_per_pixel),
        "loss network": f"{loss.name}, {loss.file}, input {loss.input}, SHA-256 {loss.sha256[:16]}" if loss else "",
        **{name: value for name, value in manifest.training.items() if name != "styles"},
        **_runs(manifest.training.get("styles")),
    }


def _runs(styles: Any) -> dict[str, Any]:
    """The settings of each run of each style, the first one first; a pack made elsewhere may say anything."""
    rows = {str(name): stages for name, stages in styles.items()} if isinstance(styles, dict) else {}
    return {
        f"{name}, run {number}": stage
        for name, stages in rows.items()
        for number, stage in enumerate(stages if isinstance(stages, list) else [stages], 1)
    }


def _table(values: Mapping[str, Any], kind: str) -> str:
    rows = (f"<tr><th>{escape(k.replace('_', ' '))}</th><td>{_text(v)}</td></tr>" for k, v in values.items())
    return f'<table class="{kind}">{"".join(rows)}</table>'


def _text(value: Any) -> str:
    """A value as escaped HTML, several values on lines of their own."""
    if isinstance(value, Mapping):
        value = [f"{name}: {text(item)}" for name, item in value.items()]
    if isinstance(value, list | tuple):
        return "<br>".join(escape(text(item)) for item in value)
    return escape(text(value))


def text(value: Any) -> str:
    """A value in few characters: numbers short."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _image(jpeg: bytes) -> str:
    """A picture inside the page, no wider than a sharp screen shows; nothing where there is none."""
    if not jpeg:
        return ""
    picture = Pillow.open(io.BytesIO(jpeg))
    if picture.width > 2 * WIDTH:
        buffer = io.BytesIO()
        picture.resize((2 * WIDTH, picture.height * 2 * WIDTH // picture.width)).save(buffer, "JPEG", quality=88)
        jpeg = buffer.getvalue()
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">'


def _read_log(path: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of each term, finite ones above 0; a line cut short by a power cut is left out."""
    terms: dict[str, list[tuple[int, float]]] = {}
    for line in _read(path).decode(errors="replace").splitlines():
        try:
            row = json.loads(line)
            step = int(row.pop("step"))
        except (ValueError, KeyError, AttributeError, TypeError):
            continue
        for name, value in row.items():
            if isinstance(value, int | float) and 0 < value < math.inf:
                terms.setdefault(name, []).append((step, float(value)))
    return terms


def _curves(terms: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    figures = (
        _curve(name, _thinned(values), fmean(v for _, v in values[-max(1, len(values) // 20) :]))
        for name, values in terms.items()
    )
    return f'<div class="curves">{"".join(figures)}</div>' if terms else ""


def _thinned(values: Sequence[tuple[int, float]]) -> list[tuple[float, float]]:
    """At most POINTS of them, each the mean of its neighbours."""
    stride = math.ceil(len(values) / POINTS)
    parts = (values[i : i + stride] for i in range(0, len(values), stride))
    return [(fmean(step for step, _ in part), fmean(value for _, value in part)) for part in parts]


def _curve(name: str, points: Sequence[tuple[float, float]], end: float) -> str:
    """One term over the steps on a logarithmic axis of whole decades, so that two runs mostly share it.

    `end` is what the term came to.
    """
    width, height, left, top, bottom = 370, 190, 50, 8, 20
    last = max(step for step, _ in points)
    low, high = (math.log10(pick(value for _, value in points)) for pick in (min, max))
    low, high = math.floor(low), max(math.ceil(high), math.floor(low) + 1)

    def x(step: float) -> float:
        return left + (width - left - 8) * step / last

    def y(exponent: float) -> float:
        return top + (height - top - bottom) * (high - exponent) / (high - low)

    lines = [
        f'<line x1="{left}" x2="{width - 8}" y1="{y(e):.1f}" y2="{y(e):.1f}" stroke="#ddd"/>'
        f'<text x="{left - 6}" y="{y(e) + 4:.1f}" text-anchor="end">{10.0**e:g}</text>'
        for e in range(low, high + 1)
    ]
    path = " ".join(f"{x(step):.1f},{y(math.log10(value)):.1f}" for step, value in points)
    return (
        f"<figure><figcaption><b>{escape(name.replace('_', ' '))}</b>, weighted; at the end {end:.3g}"
        f'</figcaption><svg viewBox="0 0 {width} {height}">{"".join(lines)}'
        f'<polyline points="{path}" fill="none" stroke="#2563eb" stroke-width="1.5"/>'
        f'<text x="{left}" y="{height - 4}">0</text>'
        f'<text x="{width - 8}" y="{height - 4}" text-anchor="end">{last:,.0f} steps</text></svg></figure>'
    )
