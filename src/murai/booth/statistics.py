"""What a day at the booth was like, in a few lines."""

from collections.abc import Mapping
from datetime import datetime

from murai.booth.ledger import Ledger
from murai.publish import Outbox

COUNTED = ("visits", "pictures", "shared", "prints")


def statistics(ledger: Ledger, outbox: Outbox, day: str = "") -> list[str]:
    """Lines of visits, pictures, prints, the styles that were liked and the posts of `day`; of today where empty."""
    day = day or ledger.today
    counts = ledger.counts(day)
    lines = [f"{day}: " + ", ".join(f"{what} {counts.get(what, 0)}" for what in COUNTED) + "."]
    for group in ("style", "kind"):
        if ranked := _ranked(counts, group):
            lines.append(f"{group}s: {ranked}.")
    posts: dict[str, int] = {}
    for row in outbox.rows():
        if f"{datetime.fromtimestamp(row.post.made):%Y-%m-%d}" == day:
            posts[f"{row.service} {row.state}"] = posts.get(f"{row.service} {row.state}", 0) + 1
    if posts:
        lines.append("posts: " + ", ".join(f"{what} {number}" for what, number in sorted(posts.items())) + ".")
    return lines


def _ranked(counts: Mapping[str, int], group: str) -> str:
    """What was counted as GROUP:NAME, the most liked first."""
    named = {what.removeprefix(f"{group}:"): number for what, number in counts.items() if what.startswith(f"{group}:")}
    return ", ".join(f"{name} {number}" for name, number in sorted(named.items(), key=lambda item: -item[1]))
