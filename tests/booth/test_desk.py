"""The desk: one thing after the other, and nothing that fails ends it. What it does with pictures, test_booth sees."""

import numpy as np
import pytest

from murai.booth.desk import named
from murai.booth.shots import Shot
from murai.errors import BoothError
from murai.packs import StylePack
from tests.booth.visits import booth

SHOT = Shot(np.full((48, 64, 3), 9, np.uint8), np.full((48, 64, 3), 90, np.uint8))


@pytest.fixture
def one(tmp_path, tiny_pack):
    with booth(tmp_path, tiny_pack, keeping={"days": 1}) as one:
        yield one


def fail(error):
    raise error


def test_what_fails_is_said_and_the_next_is_done(one):
    worked = []
    one.desk.later(lambda: fail(BoothError("the disk is full; make room.")), worked.append)
    one.desk.later(lambda: fail(ArithmeticError("a secret")), worked.append)
    one.desk.later(lambda: None, worked.append)
    one.desk.wait()
    assert worked == [False, False, True]
    assert one.said == ["the disk is full; make room.", "a fault at the desk, ArithmeticError."]


def test_things_are_done_in_the_order_they_were_asked_for(one):
    takes, order = [], []
    one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
    one.desk.wait()
    (take,) = takes
    one.desk.keep(take, lambda worked: order.append("kept"))
    one.desk.share(take)
    one.desk.later(lambda: order.append(one.gallery.find(take.key).consent))
    one.desk.wait()
    assert order == ["kept", True]


def test_what_was_never_kept_is_never_shared_or_printed(one):
    takes = []
    one.desk.compose("single", "tiny/warm", [SHOT], takes.append)
    one.desk.wait()
    one.desk.share(takes[0])
    one.desk.print(takes[0])
    one.desk.wait()
    assert one.ledger.agreed() == {}
    assert one.gallery.all() == []


def test_what_is_too_old_goes_and_what_was_agreed_with_it(one):
    key = one.whole_visit(consent="yes")
    one.ledger.agree(key, ["folder"])
    one.gallery._clock = lambda: 1e12
    one.desk.tidy()
    one.desk.wait()
    assert one.gallery.all() == []
    assert one.ledger.agreed() == {}


def test_a_picture_that_is_gone_is_said_to_who_decides(one):
    with pytest.raises(BoothError, match="not there any more"):
        one.desk.approve("nobody")
    one.desk.delete("nobody")


def test_styles_are_found_by_pack_and_by_name(tiny_pack):
    packs = [StylePack.load(tiny_pack)]
    assert named(packs, "tiny/warm").title == named(packs, "warm").title == "Warm"
    assert named(packs, "other/warm") is None
