"""The visit as a phone plays it."""

from dataclasses import replace

from murai.booth.phone import Phone
from murai.booth.visit import KINDS, STATES, TABLE, Moment, Offers
from murai.booth.words import load_words


class Booth:
    offers = Offers(("a/kiss", "a/wave"), languages=("en", "fr"), copies=1)
    languages = {name: load_words(name) for name in ("en", "fr")}
    titles = {"a/kiss": "The Kiss", "a/wave": "The Wave"}
    places = ("Bluesky", "gallery")
    token, key = "token", "key"

    def __init__(self):
        self.now = Moment("idle", 3, "a/wave", "strip", "en")
        self.heard = []

    def hear_phone(self, event, value, serial):
        self.heard.append((event, value, serial))
        return "another token"


def scenes():
    booth = Booth()
    for state in STATES:
        booth.now = replace(booth.now, state=state)
        yield state, Phone(booth).scene()


def test_what_a_phone_offers_means_something_in_its_state():
    known = {(rule.state, rule.event) for rule in TABLE}
    for state, scene in scenes():
        assert scene.serial == 3
        assert scene.prompt
        assert all((state, offer.event) in known for offer in scene.offers), state
        assert all(offer.title for offer in scene.offers)


def test_a_phone_can_go_from_idle_to_the_picture():
    events = {state: {offer.event for offer in scene.offers} for state, scene in scenes()}
    assert "button" in events["idle"] & events["choose"] & events["review"]
    assert {"yes", "no"} <= events["consent"]
    assert events["countdown"] == events["taking"] == set()
    assert {"print", "cancel"} == events["done"]


def test_choices_say_what_is_chosen():
    booth = Booth()
    booth.now = replace(booth.now, state="choose")
    choices = [offer for offer in Phone(booth).scene().offers if offer.value]
    assert [offer.value for offer in choices] == ["a/kiss", "a/wave", *KINDS, "en", "fr"]
    assert [offer.value for offer in choices if offer.chosen] == ["a/wave", "strip", "en"]


def test_consent_is_asked_in_the_visitors_language_and_names_the_places():
    booth = Booth()
    booth.now = replace(booth.now, state="consent", language="fr")
    prompt = Phone(booth).scene().prompt
    assert "sur Bluesky et dans notre galerie" in prompt
    assert "Si vous dites non" in prompt
    assert Phone(booth).scene().language == "fr"


def test_the_picture_is_told_once_it_is_done_and_a_copy_only_while_there_are_some():
    booth = Booth()
    assert Phone(booth).scene().key == ""
    booth.now = replace(booth.now, state="done", printed=1)
    scene = Phone(booth).scene()
    assert scene.key == "key"
    assert [offer.event for offer in scene.offers] == ["cancel"]


def test_what_is_pressed_is_handed_on_with_its_serial():
    booth = Booth()
    assert Phone(booth).hear("style", "a/kiss", 3) == "another token"
    assert booth.heard == [("style", "a/kiss", 3)]
