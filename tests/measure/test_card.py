"""What is measured on a card: its arithmetic, and all of it on a processor, where its figures say nothing."""

import pytest

torch = pytest.importorskip("torch", reason="a card is measured with torch, which is in murai[cuda]")

from murai.errors import RuntimeUnsupported  # noqa: E402
from murai.measure import card  # noqa: E402
from murai.measure.card import floor_ms, measure_card, measure_rates, read_trace, table  # noqa: E402
from murai.nets import build, mac_per_pixel  # noqa: E402
from murai.packs import StylePack, bundled_folder  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EVENTS = [
    {"cat": "kernel", "name": "convolve", "ts": 0.0, "dur": 300_000},
    {"cat": "kernel", "name": "beside it", "ts": 250_000.0, "dur": 50_000},
    {"cat": "kernel", "name": "add", "ts": 400_000.0, "dur": 200_000},
    {"cat": "gpu_memcpy", "name": "Memcpy HtoD (Pageable -> Device)", "args": {"bytes": 1000}, "dur": 5},
    {"cat": "gpu_memcpy", "name": "Memcpy DtoD (Device -> Device)", "args": {"bytes": 7000}, "dur": 5},
    {"cat": "gpu_memcpy", "name": "Memcpy DtoH (Device -> Pinned)", "args": {"bytes": 50}, "dur": 5},
    {"cat": "cuda_runtime", "name": "cudaStreamSynchronize", "dur": 1},
    {"cat": "cuda_runtime", "name": "cudaLaunchKernel", "dur": 1},
    {"name": "process_name", "ph": "M"},
]


def pack():
    return StylePack.load(bundled_folder() / "paintings")


def test_a_trace_tells_what_kernels_copies_and_waits_there_were():
    assert read_trace(EVENTS, 2.0, 10) == {"busy_share": 0.25, "to_card": 100, "from_card": 5, "waits": 0.1}
    assert read_trace([], 2.0, 10) == {"busy_share": 0, "to_card": 0, "from_card": 0, "waits": 0}


@pytest.mark.parametrize("name", ["affine", "johnson"])
def test_the_floor_is_arithmetic_where_copies_are_free_and_bytes_where_arithmetic_is(name):
    network = build(name)
    free = float("inf")
    by_arithmetic = floor_ms(network, (256, 256), {"matrix_rate": 1e12, "copy_rate": free, "launch_ms": 1.0})
    assert by_arithmetic == pytest.approx(1 + 2e-9 * mac_per_pixel(network) * 256**2)
    bytes_ = [
        floor_ms(network, size, {"matrix_rate": free, "copy_rate": 1e9, "launch_ms": 0})
        for size in ((256, 256), (512, 256))
    ]
    assert 1.9 < bytes_[1] / bytes_[0] < 2
    both = floor_ms(network, (256, 256), {"matrix_rate": 1e12, "copy_rate": 1e9, "launch_ms": 1.0})
    assert both >= max(by_arithmetic, bytes_[0])


def test_rates_are_numbers_of_this_machine():
    rates = measure_rates(torch.device(DEVICE))
    assert rates["matrix_rate"] > 1e9
    assert rates["copy_rate"] > 1e8
    assert 0 < rates["launch_ms"] < 100


def test_all_of_it_runs_on_any_device(monkeypatch):
    monkeypatch.setattr(card, "STREAMS", (1, 2))
    said = []
    figures = measure_card(
        [pack()], [(128, 96)], device=DEVICE, rounds=2, frames=300 if DEVICE == "cuda" else 10, say=said.append
    )
    assert [row["network"] for row in figures["rows"]] == ["paintings", "johnson"]
    assert all(ms > 0 for row in figures["rows"] for ms in row["ms"].values())
    assert {"murai", "eager f32"} <= set(figures["rows"][0]["ms"])
    [show] = figures["shows"]
    assert show["fps"] > 0
    assert show["delay_ms_median"] <= show["delay_ms_p95"]
    assert [row["streams"] for row in figures["streams"]] == [1, 2]
    if DEVICE == "cuda" and not any("processor" in text or "CPU" in text for text in said):
        assert show["from_card"] < 128 * 96, "no picture leaves the card"
        assert show["to_card"] < 128 * 96
    text = table(figures)
    assert text.count("| paintings | 128x96 |") == 2


@pytest.mark.skipif(DEVICE == "cuda", reason="there is a card here")
def test_without_a_card_it_is_said():
    with pytest.raises(RuntimeUnsupported, match="there is no card"):
        measure_card([pack()], [(128, 96)])
