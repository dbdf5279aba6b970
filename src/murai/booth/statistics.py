"""What a day at the booth was like, in a few lines."""

from datetime import datetime

from murai.booth.ledger import COUNTED, Ledger, ranked
from murai.publish import Outbox


def statistics(ledger: Ledger, outbox: Outbox, day: str = "") -> list[str]:
    """Lines of visits, pictures, prints, the styles that were liked and the posts of `day`; of today where empty."""
    day = day or ledger.today
    counts = ledger.counts(day)
    lines = [f"{day}: " + ", ".join(f"{what} {counts.get(what, 0)}" for what in COUNTED) + "."]
    for group in ("style", "kind"):
        if named := ranked(counts, group):
            lines.append(f"{group}s: " + ", ".join(f"{name} {number}" for name, number in named.items()) + ".")
    posts: dict[str, int] = {}
    for row in outbox.rows():
        if f"{datetime.fromtimestamp(row.post.made):%Y-%m-%d}" == day:
            posts[f"{row.service} {row.state}"] = posts.get(f"{row.service} {row.state}", 0) + 1
    if posts:
        lines.append("posts: " + ", ".join(f"{what} {number}" for what, number in sorted(posts.items())) + ".")
    return lines
