"""Settings in one file, with the command line on top."""

import pytest
from PIL import Image

from murai.cli import run


@pytest.fixture
def settings(tmp_path, monkeypatch, tiny_pack):
    """Writes the settings file of a user in a folder with one picture."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 24), (200, 100, 50)).save("in.png")
    (tmp_path / "murai").mkdir()
    return (tmp_path / "murai" / "settings.toml").write_text


def color(file):
    return Image.open(file).getpixel((16, 12))


def test_what_is_set_counts_and_the_command_line_counts_more(settings, tiny_pack):
    settings(f'[image]\nstyle = "{tiny_pack}/invert"\nstrength = 0.0\n[live]\nframes = 3\n')
    assert run(["image", "in.png", "set.png"]) == 0
    assert color("set.png") == (200, 100, 50)
    assert run(["image", "in.png", "said.png", "--strength", "1"]) == 0
    assert color("said.png") != (200, 100, 50)


def test_several_values_are_a_list(settings, tiny_pack, tmp_path, capsys):
    settings(f'[live]\nsource = ["pattern"]\nsink = ["null", "a.mp4"]\nframes = 4\nstyle = "{tiny_pack}/invert"\n')
    assert run(["live"]) == 0
    assert (tmp_path / "a.mp4").is_file()


def test_without_a_file_nothing_is_set(settings, tiny_pack):
    assert run(["image", "in.png", "out.png", "--style", f"{tiny_pack}/invert"]) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[image]\nstile = 'x'\n", "stile"),
        ("[image\n", "mend or remove it"),
        ("[image]\nstrength = 'much'\n", "strength"),
        ("[image]\nstrength = 2\n", "strength"),
        ("[image]\nboldness = 2\n", "boldness"),
        ("image = 3\n", "image"),
        ("[imag]\nstrength = 0.5\n", "'imag', which is no command"),
        ("strength = 0.5\n", "'strength', which is no command"),
    ],
)
def test_settings_that_are_wrong_are_one_sentence(settings, capsys, text, words, tmp_path):
    settings(text)
    assert run(["image", "in.png", "out.png"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line
    assert str(tmp_path / "murai" / "settings.toml") in line
    assert not (tmp_path / "out.png").exists()
