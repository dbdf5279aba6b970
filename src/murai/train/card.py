"""The model card a pack carries: what it is, what it learned from, and its figures."""

from collections.abc import Mapping
from typing import Any

from murai.packs import Manifest, Style
from murai.train.report import figure_names, text

WEIGHTS = ("content", "keep", "light", "style", "parts", "total_variation", "lattice", "weave", "stability")


def model_card(manifest: Manifest) -> str:
    """Markdown for the pack's README.md, made from the manifest alone so that the two cannot disagree."""
    training, loss = manifest.training, manifest.loss_network
    ends = ", twice: a faithful and a bold end, between which it is interpolated" if manifest.ends == 2 else ""
    lines = [
        f"# {manifest.name}",
        "",
        "A style pack for murai: it paints pictures and video in the style of",
        "",
        *(f"- {_work(style)}" for style in manifest.styles),
        "",
        "![four photographs in each style](preview.jpg)",
        "",
        "## Network",
        "",
        f"Architecture `{manifest.architecture.name}`, tier `{manifest.tier}`: {manifest.mac_per_pixel:,.0f} "
        f"multiply-adds per pixel. A style is all its {manifest.style_size:,} weights{ends}.",
        "",
        "## Learning",
        "",
        *_stages(training.get("styles")),
    ]
    if loss is not None:
        lines += [
            "",
            f"Loss network: {loss.name} ({loss.file}, input `{loss.input}`, SHA-256 {loss.sha256[:16]}), "
            f"layers {', '.join(training['loss_layers'])}.",
        ]
    lines += ["", f"Photographs: {training['photographs']:,}. {training['photographs_terms']}".rstrip()]
    if manifest.measured:
        lines += ["", "## Figures", "", *_figures(manifest)]
    return "\n".join(lines) + "\n"


def _stages(styles: Any) -> list[str]:
    """A line on each run; what a pack made elsewhere says of them may be anything."""
    rows = styles.items() if isinstance(styles, dict) else ()
    return [f"- `{name}`: {_stage(stage)}" for name, stages in rows for stage in stages]


def _stage(training: Any) -> str:
    try:
        return _told(training)
    except (KeyError, TypeError, ValueError):
        return "an earlier stage, of which nothing is told."


def _told(training: Mapping[str, Any]) -> str:
    start = f", from `{training['start']}`" if "start" in training else ""
    crops = "a crop" if training["batch"] == 1 else f"{training['batch']} crops"
    begin = (
        f"{training['end']}, {training['steps']:,} steps of {crops} of {training['size']} pixels in "
        f"{training['minutes']:g} minutes{start}"
    )
    if "teacher" in training:
        return f"{begin}, imitating the paintings of `{training['teacher']}`."
    weights = ", ".join(f"{name.replace('_', ' ')} {training[name]:g}" for name in WEIGHTS if name in training)
    layers = "/".join(f"{weight:g}" for weight in training["layers"])
    return (
        f"{begin}, one cycle to {training['learning_rate']:g}; {training['objective']}, weights of the normalized "
        f"terms: {weights}, layers {layers}."
    )


def _work(style: Style) -> str:
    """`name`: Title, Artist, year, place (licence), section x, y, w, h."""
    parts = [str(p) for p in (style.title, style.artist, style.year, style.place) if p]
    licence = f" ({style.licence})" if style.licence else ""
    crop = f", section {style.crop}" if style.crop else ", the whole picture"
    return f"`{style.name}`: {', '.join(parts) or 'a picture'}{licence}{crop}"


def _figures(manifest: Manifest) -> list[str]:
    names = figure_names(manifest.measured)
    lines = [
        "On photographs never learned from, painted half way between faithful and bold.",
        "",
        "| " + " | ".join(["style", *(name.replace("_", " ") for name in names), "learned on"]) + " |",
        "|" + "---|" * (len(names) + 2),
    ]
    for name, row in manifest.measured.items():
        cells = [name, *(text(row.get(each, "")) for each in names), text(manifest.photographs_seen.get(name, ""))]
        lines.append("| " + " | ".join(cells) + " |")
    return lines
