"""A post as a service takes it: the picture small enough and with nothing else in the file, the texts short enough."""

import io
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

import av
import regex
from PIL import Image, ImageCms, ImageOps

from murai.publish.post import CLIP, Limits, Post, Prepared, Refused, TryLater, clean

QUALITIES = (92, 85, 75, 65)
"""Of a JPEG, tried in turn before the picture is made smaller."""
SHRINK = 0.8
SMALLEST = 64
"""Pixels of the longer side, below which a picture is not made smaller."""
ELLIPSIS = "…"
GRAPHEME = regex.compile(r"\X")
LINK = regex.compile(
    r"(?:https?://|(?:[\w-]+\.)+)[a-zA-Z0-9.-]*[a-zA-Z0-9](?:[/?][a-zA-Z0-9_/.%=&?~+-]*[a-zA-Z0-9/=&-])?"
)
PICTOGRAM = r"(?:\p{Emoji_Modifier_Base}\p{Emoji_Modifier}|\p{Extended_Pictographic}\ufe0f?)"
EMOJI = regex.compile(rf"{PICTOGRAM}(?:\u200d{PICTOGRAM})*|\p{{Regional_Indicator}}{{2}}|[0-9#*]\ufe0f?\u20e3")
MENTION = regex.compile(r"(?<![\w/])@(\w+)@[\w.-]+")
TECHNICAL = {
    "major_brand", "minor_version", "compatible_brands", "encoder", "handler_name", "vendor_id", "language",
}  # fmt: skip
"""What an MP4 says of itself that says nothing of where, when or by whom it was taken."""
LINK_LENGTH = 23
"""Characters that X and Mastodon count for a link, however long it is."""
LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
"""Code points that X counts once; it counts all others twice."""


def prepare(post: Post, limits: Limits, *, still: bool = False) -> Prepared:
    """`post` within `limits`: its clip; its picture where it is to be `still`, has no clip, or that is not taken.

    Raises Refused where the picture is none, or cannot be made small enough, TryLater where the disk does not give it.
    """
    data, kind, size = (None if still else _clip(post, limits)) or fit_picture(post, limits)
    caption, alt = clean(post.caption), clean(post.alt)
    if limits.characters is not None:
        caption = cut(caption, limits.characters, limits.count)
    if limits.alt is not None:
        alt = cut(alt, limits.alt)
    return Prepared(post.key, data, kind, *size, caption, alt, post.made)


def fit_picture(post: Post, limits: Limits) -> tuple[bytes, str, tuple[int, int]]:
    """The picture's bytes, media type and size. What is small enough keeps its pixels. Raises Refused, TryLater."""
    try:
        with Image.open(post.picture) as opened:
            opened.load()
            if data := _as_it_is(opened, limits):
                return data, f"image/{str(opened.format).lower()}", opened.size
            image = _plain(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        # Neither the file's name nor what Pillow says of it: the name may be a secret of its visitor.
        reason = getattr(error, "strerror", None) or "it is damaged"
        if _may_pass(error, post.picture):
            raise TryLater(f"the picture cannot be read now ({reason}); see to its disk.") from None
        raise Refused(f"the picture cannot be read ({reason}); is its file still there?") from None
    return _small(image, limits)


def _clip(post: Post, limits: Limits) -> tuple[bytes, str, tuple[int, int]] | None:
    """The clip's bytes, media type and size; None where the picture has to do. Raises TryLater.

    What holds more than moving pictures is not sent.
    """
    if post.clip is None or limits.clip == 0 or not post.picture.is_file():
        return None
    try:
        data = post.clip.read_bytes()
    except OSError as error:
        if _may_pass(error, post.clip):
            raise TryLater(f"the clip cannot be read now ({error.strerror}); see to its disk.") from None
        return None
    try:
        with av.open(io.BytesIO(data)) as opened:
            [stream] = opened.streams.video
            alone = len(opened.streams) == 1
            size = stream.width, stream.height
            said = opened.metadata.keys() | stream.metadata.keys()
    except (ValueError, av.FFmpegError):  # damaged, or no video
        return None
    fits = limits.clip is None or len(data) <= limits.clip
    return (data, CLIP, size) if fits and alone and said <= TECHNICAL else None


def _may_pass(error: Exception, file: Path) -> bool:
    """Whether `file` may be read later: the disk fails, or is away."""
    gone = isinstance(error, FileNotFoundError) and file.parent.is_dir()
    return isinstance(error, OSError) and bool(error.errno) and not gone


def _as_it_is(image: Image.Image, limits: Limits) -> bytes | None:
    """The same picture without what else was in the file, None where it is no JPEG or PNG that will do."""
    turned = image.getexif().get(0x0112, 1) != 1
    if image.format not in ("JPEG", "PNG") or image.mode not in ("RGB", "L") or "icc_profile" in image.info or turned:
        return None
    if limits.side is not None and max(image.size) > limits.side:
        return None
    if image.format == "JPEG":
        data = _encoded(image, "JPEG", quality="keep")
    else:
        data = _encoded(Image.frombytes(image.mode, image.size, image.tobytes()), "PNG")
    return data if limits.bytes is None or len(data) <= limits.bytes else None


def _plain(image: Image.Image) -> Image.Image:
    """RGB in the common colours, upright, on white where it is transparent, and nothing else."""
    profile, upright = image.info.get("icc_profile"), image.copy()
    ImageOps.exif_transpose(upright, in_place=True)
    if profile and upright.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            changed = ImageCms.profileToProfile(upright, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            upright = changed or upright
        except (ImageCms.PyCMSError, OSError):  # a profile that is none
            pass
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    return upright.convert("RGB")


def _small(image: Image.Image, limits: Limits) -> tuple[bytes, str, tuple[int, int]]:
    longest = max(image.size)
    side = longest if limits.side is None else min(limits.side, longest)
    while side >= min(SMALLEST, longest):
        width, height = (max(1, round(length * side / longest)) for length in image.size)
        smaller = image.resize((width, height), Image.Resampling.LANCZOS) if side < longest else image
        for quality in QUALITIES:
            data = _encoded(smaller, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
            if limits.bytes is None or len(data) <= limits.bytes:
                return data, "image/jpeg", smaller.size
        side = int(side * SHRINK)
    raise Refused(f"the picture cannot be made as small as {limits.bytes} bytes.")


def _encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.info.clear()  # some of it would be written
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def cut(text: str, limit: int, count: Callable[[str], int] = len) -> str:
    """`text`, or as much of it as `limit` allows by `count`, ended by an ellipsis and never inside a character."""
    if count(text) <= limit:
        return text
    ends = [found.end() for found in GRAPHEME.finditer(text)]
    kept = bisect_right(ends, limit, key=lambda end: count(text[:end].rstrip() + ELLIPSIS))
    while kept:
        shorter = text[: ends[kept - 1]].rstrip() + ELLIPSIS
        if count(shorter) <= limit:
            return shorter
        kept -= 1
    return ""


def graphemes(text: str) -> int:
    """What a reader takes for characters."""
    return len(GRAPHEME.findall(text))


def bluesky_length(text: str) -> int:
    """Graphemes, or a tenth of the bytes where that is more: Bluesky allows 300 of the one and 3,000 of the other."""
    return max(graphemes(text), -(-len(text.encode()) // 10))


def mastodon_length(text: str) -> int:
    """Graphemes, where a link counts 23 and a mention is as long as the name without the server."""
    links = [found.span() for found in LINK.finditer(text) if found[0].startswith("http")]
    longer = sum(_link_weight(text, start, end, graphemes) - graphemes(text[start:end]) for start, end in links)
    return longer + graphemes(MENTION.sub(r"@\1", text))


def x_length(text: str) -> int:
    """X's weighted length: a link counts 23, an emoji 2, letters of most alphabets 1, Chinese and others 2."""
    text = unicodedata.normalize("NFC", text)
    links = [_link_weight(text, found.start(), found.end(), _weight) for found in LINK.finditer(text)]
    return sum(links) + _weight(LINK.sub("", text))


def _link_weight(text: str, start: int, end: int, weight: Callable[[str], int]) -> int:
    """Of what X takes for a link. What only may be one, for it has no http or no space before it, counts for more."""
    sure = text.startswith("http", start) and (not start or text[start - 1].isspace())
    return LINK_LENGTH if sure else max(LINK_LENGTH, weight(text[start:end]))


def _weight(text: str) -> int:
    rest, emojis = EMOJI.subn("", text)
    return 2 * int(emojis) + sum(1 if any(low <= ord(one) <= high for low, high in LIGHT) else 2 for one in rest)
