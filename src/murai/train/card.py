"""The model card a pack carries: what it is, what it learned from, and its figures."""

from collections.abc import Mapping
from typing import Any

from murai.packs import Manifest, Style


def model_card(manifest: Manifest) -> str:
    """Markdown for the pack's README.md, made from the manifest alone so that the two cannot disagree."""
    training, loss = manifest.training, manifest.loss_network
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
        f"Architecture `{manifest.architecture.name}`, tier `{manifest.tier}`: {manifest.parameters:,} parameters and "
        f"{manifest.mac_per_pixel:,.0f} multiply-adds per pixel; a style is a vector of {manifest.style_size} numbers.",
        "",
        "## Learning",
        "",
        *(_stage(stage) for stage in manifest.stages),
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


def _stage(training: Mapping[str, Any]) -> str:
    """One line on how the network learned once; what a pack made elsewhere says of it may be anything."""
    try:
        return _told(training)
    except (KeyError, TypeError, ValueError):
        return "- an earlier stage, of which nothing is told."


def _told(training: Mapping[str, Any]) -> str:
    start = f", from `{training['base']}`" if "base" in training else ""
    minutes = f" in {training['minutes']:g} minutes" if "minutes" in training else ""
    if "teacher" in training:
        return (
            f"- {training['steps']:,} steps of {training['batch']} crops of {training['size']} pixels{minutes}{start}, "
            f"imitating the paintings of `{training['teacher']}`."
        )
    lattice = f", lattice {training['lattice']:g}" if "lattice" in training else ""
    return (
        f"- {training['steps']:,} steps of {training['batch']} crops of {training['size']} pixels{minutes}{start}: "
        f"{training.get('optimizer', 'Adam')}, one cycle to {training['learning_rate']:g}; weights of the normalized "
        f"terms: content {training['content']:g}, style {training['style']:g}, total variation "
        f"{training['total_variation']:g}, stability {training['stability']:g}{lattice}."
    )


def _work(style: Style) -> str:
    """`name`: Title, Artist, year, place (licence), section x, y, w, h."""
    parts = [str(p) for p in (style.title, style.artist, style.year, style.place) if p]
    licence = f" ({style.licence})" if style.licence else ""
    crop = f", section {style.crop}" if style.crop else ", the whole picture"
    return f"`{style.name}`: {', '.join(parts) or 'a picture'}{licence}{crop}"


def _figures(manifest: Manifest) -> list[str]:
    lines = [
        "On photographs never learned from (centre square, 384 pixels): content = relative squared error at relu3_3,",
        "style = relative squared error of the Gram matrices, total = content + 5 style. Lower is better.",
        "",
        "| style | content | style | total | on photographs | learned on |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in manifest.measured.items():
        lines.append(
            f"| {name} | {row['content']:.3f} | {row['style']:.3f} | {row['total']:.3f} | {row['photographs']} | "
            f"{manifest.photographs_seen.get(name, '')} |"
        )
    return lines
