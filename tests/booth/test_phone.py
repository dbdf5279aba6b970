"""The visit as a phone plays it."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from murai.booth.phone import Phone, previews
from murai.booth.visit import KINDS, STATES, TABLE, Moment, Offers
from murai.booth.words import load_words
from murai.packs import StylePack, bundled_folder, find_packs


class Booth:
    offers = Offers(("a/kiss", "a/wave"), languages=("en", "fr"), copies=1)
    languages = {name: load_words(name) for name in ("en", "fr")}
    titles = {"a/kiss": "The Kiss", "a/wave": "The Wave"}
    places = ("Bluesky", "gallery")
    previews = {"a/wave": b"a JPEG"}
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
    assert {offer.value: offer.preview for offer in choices if offer.preview} == Booth.previews


def test_paintings_are_called_as_in_the_visitors_language():
    booth = Booth()
    for language, called in (("en", "The Kiss"), ("fr", "Le Baiser")):
        booth.now = replace(booth.now, state="choose", language=language)
        kiss, wave = [offer.title for offer in Phone(booth).scene().offers if offer.event == "style"]
        assert (kiss, wave) == (called, "The Wave")


def test_styles_that_ship_have_pictures_of_their_own():
    styles = ["paintings/starry_night", "paintings/kiss"]
    shown = previews(find_packs([bundled_folder()]), styles)
    assert shown.keys() == set(styles)
    pictures = [Image.open(io.BytesIO(shown[style])) for style in styles]
    assert all(picture.size == (256, 256) for picture in pictures)
    starry, kiss = (np.asarray(picture).mean((0, 1)) for picture in pictures)
    assert starry[2] > starry[0]  # the one is blue,
    assert kiss[0] > kiss[2]  # the other golden


def test_a_pack_without_a_preview_has_none(tiny_pack):
    assert previews([StylePack.load(tiny_pack)], ["tiny/warm"]) == {}


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
