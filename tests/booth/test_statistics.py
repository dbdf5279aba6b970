"""What a day was like."""

from datetime import datetime

from murai.booth.ledger import Ledger
from murai.booth.statistics import statistics
from murai.publish import Outbox, Post

NOON = datetime(2027, 6, 12, 12).timestamp()


def test_a_day_in_a_few_lines(tmp_path):
    ledger, outbox = Ledger(tmp_path / "booth.sqlite", clock=lambda: NOON), Outbox(tmp_path / "outbox.sqlite")
    for what in ("visits", "visits", "pictures", "style:The Kiss", "style:The Wave", "style:The Wave", "kind:strip"):
        ledger.count(what)
    for number, made in enumerate((NOON, NOON, NOON - 86_400)):
        outbox.add(Post(f"k{number}", tmp_path / "a.jpg", "", "", made), ["bluesky"], approved=number > 0)
    assert statistics(ledger, outbox) == [
        "2027-06-12: visits 2, pictures 1, shared 0, prints 0.",
        "styles: The Wave 2, The Kiss 1.",
        "kinds: strip 1.",
        "posts: bluesky held 1, bluesky queued 1.",
    ]
    assert statistics(ledger, outbox, "2027-06-10") == ["2027-06-10: visits 0, pictures 0, shared 0, prints 0."]
    for each in (ledger, outbox):
        each.close()
