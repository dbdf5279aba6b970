import subprocess
import sys

import pytest

import murai

PUBLIC = {
    "__version__",
    "Frame",
    "StylePack",
    "Pipeline",
    "Controls",
    "open_source",
    "open_sink",
    "open_stylizer",
    "MuraiError",
    "SourceError",
    "CameraError",
    "ControlError",
    "BoothError",
    "DeliveryError",
    "StreamLost",
    "SinkError",
    "OutputExists",
    "PackError",
    "UnknownStyle",
    "RuntimeUnsupported",
    "TrainError",
    "MissingExtra",
}


def test_the_public_names_are_these_and_all_can_be_had():
    assert set(murai.__all__) == PUBLIC
    assert all(getattr(murai, name) is not None for name in PUBLIC)


def test_every_error_is_public():
    from murai import errors

    own = {n for n, v in vars(errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    assert own <= PUBLIC


def test_another_name_is_an_ordinary_attribute_error():
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = murai.nonesuch


def test_importing_murai_loads_none_of_the_heavy_libraries():
    heavy = ("numpy", "av", "openvino", "torch", "PIL", "glfw", "numba")
    code = f"import sys, murai, murai.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
