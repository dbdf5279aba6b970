import hashlib
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from murai.errors import TrainError  # noqa: E402
from murai.train.vgg import load_loss_network  # noqa: E402

from .conftest import vgg_weights  # noqa: E402

REAL_VGG16 = Path(__file__).parents[3] / "shared/lossnet/vgg16_features_conv1-3.safetensors"


def test_vgg19_gives_the_content_and_style_layers_at_their_resolutions(vgg19_file):
    network = load_loss_network(vgg19_file)
    maps = network(torch.rand(2, 3, 32, 48))
    assert network.info.name == "vgg19"
    assert {name: tuple(m.shape[2:]) for name, m in maps.items()} == {
        "relu1_2": (32, 48),
        "relu2_2": (16, 24),
        "relu3_3": (8, 12),
        "relu4_1": (4, 6),
    }


def test_vgg16_is_told_by_its_keys_and_reaches_relu4_3(tmp_path):
    path = tmp_path / "v.pth"
    torch.save(vgg_weights((2, 2, 3, 3)), path)
    network = load_loss_network(path)
    assert network.info.name == "vgg16"
    assert network.style_layers == ("relu1_2", "relu2_2", "relu3_3", "relu4_3")


def test_the_maps_are_those_of_a_hand_made_sequence_of_layers(vgg19_file):
    weights = vgg_weights((2, 2, 4, 4))
    x = torch.rand(1, 3, 16, 16)
    y = x * 255 - torch.tensor([123.68, 116.779, 103.939])[:, None, None]
    for index in (0, 2):
        y = torch.relu(
            torch.nn.functional.conv2d(
                y, weights[f"features.{index}.weight"], weights[f"features.{index}.bias"], padding=1
            )
        )
    assert torch.allclose(load_loss_network(vgg19_file)(x)["relu1_2"], y, rtol=1e-4, atol=1e-3)


def test_the_imagenet_convention_divides_by_the_deviation(vgg19_file):
    network = load_loss_network(vgg19_file, "imagenet")
    assert torch.allclose(network.deviation.flatten(), torch.tensor([0.229, 0.224, 0.225]))
    assert network.info.input == "imagenet"


def test_the_record_names_the_file_and_its_digest(vgg19_file):
    info = load_loss_network(vgg19_file).info
    assert info.file == "vgg19.safetensors"
    assert info.sha256 == hashlib.sha256(vgg19_file.read_bytes()).hexdigest()


def test_weights_that_end_at_conv3_teach_with_the_layers_they_have_and_say_so(tmp_path):
    path = tmp_path / "v.safetensors"
    save_file(vgg_weights((2, 2, 3)), path)
    said = []
    network = load_loss_network(path, say=said.append)
    assert network.style_layers == ("relu1_2", "relu2_2", "relu3_3")
    assert "relu4_3" in said[0]


def test_missing_files_other_files_and_other_networks_are_refused(tmp_path):
    with pytest.raises(TrainError, match="there is no loss network"):
        load_loss_network(tmp_path / "none.pth")
    text = tmp_path / "text.pth"
    text.write_text("not weights")
    with pytest.raises(TrainError, match="cannot be read as weights"):
        load_loss_network(text)
    other = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, other)
    with pytest.raises(TrainError, match="no weights up to relu3_3"):
        load_loss_network(other)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda w: w.update({"features.0.weight": torch.zeros(4, 1, 3, 3)}),
            "features.0 is not a 3x3 convolution of 3",
        ),
        (lambda w: w.update({"features.2.weight": torch.zeros(4, 7, 3, 3)}), "features.2 is not a 3x3 convolution"),
        (lambda w: w.update({"features.2.weight": w["features.2.weight"][..., :1, :1]}), "features.2 is not a 3x3"),
        (lambda w: w.update({"features.5.bias": torch.zeros(1)}), "features.5 is not a convolution with a bias"),
        (lambda w: w.update({"features.5.weight": 3}), "features.5 is not a convolution with a bias"),
        (lambda w: w["features.7.weight"].fill_(torch.nan), "features.7 has numbers that are none"),
        (lambda w: w.pop("features.2.weight"), "it has no features.2"),
    ],
)
def test_weights_of_another_shape_or_with_a_gap_are_refused(tmp_path, change, words):
    weights = vgg_weights((2, 2, 4, 4))
    change(weights)
    torch.save(weights, tmp_path / "v.pth")
    with pytest.raises(TrainError, match=words):
        load_loss_network(tmp_path / "v.pth")


def test_a_file_in_the_place_of_a_download_is_checked_too(tmp_path):
    torch.save(vgg_weights((2, 2, 3, 3)), tmp_path / "vgg16_features-amdegroot-88682ab5.pth")
    with pytest.raises(TrainError, match="remove it"):
        load_loss_network(cache=tmp_path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"features.0.weight": Evil()}))
    with pytest.raises(TrainError):
        load_loss_network(path)
    assert not (tmp_path / "ran").exists()


def test_a_failed_download_says_how_to_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("murai.train.vgg.DEFAULT_URL", "http://127.0.0.1:9/vgg16_features-amdegroot-88682ab5.pth")
    with pytest.raises(TrainError, match="--loss-network"):
        load_loss_network(cache=tmp_path)


@pytest.mark.skipif(
    not REAL_VGG16.exists(), reason=f"the real VGG16 weights are not beside the project: {REAL_VGG16.name}"
)
def test_the_real_vgg16_weights_see_more_in_a_picture_than_in_grey():
    network = load_loss_network(REAL_VGG16)
    picture = torch.zeros(1, 3, 64, 64)
    picture[..., 32:] = 1
    seen, grey = network(picture), network(torch.full((1, 3, 64, 64), 0.45))
    assert seen["relu3_3"].shape == (1, 256, 16, 16)
    assert seen["relu3_3"].square().mean() > 2 * grey["relu3_3"].square().mean()


def test_the_downloaded_weights_are_checked_by_their_hash_and_fetched_once(tmp_path, monkeypatch):
    import functools
    import http.server
    import threading

    served, cache = tmp_path / "served", tmp_path / "cache"
    served.mkdir()
    torch.save(vgg_weights((2, 2, 3, 3)), served / "vgg16.pth")
    digest = hashlib.sha256((served / "vgg16.pth").read_bytes()).hexdigest()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("murai.train.vgg.DEFAULT_URL", f"http://127.0.0.1:{server.server_port}/vgg16.pth")
        monkeypatch.setattr("murai.train.vgg.DEFAULT_HASH", "00000000")
        with pytest.raises(TrainError, match="--loss-network"):
            load_loss_network(cache=cache)
        monkeypatch.setattr("murai.train.vgg.DEFAULT_HASH", digest[:8])
        assert load_loss_network(cache=cache).info.sha256 == digest
        server.shutdown()
    assert load_loss_network(cache=cache).info.name == "vgg16"
