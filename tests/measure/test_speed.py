import json
import os

import pytest

pytest.importorskip("torch")

from murai.cli import run
from murai.stylizers.openvino import has_bf16


@pytest.fixture(scope="module")
def figures(tiny_pack):
    """What `murai measure speed --json` prints for a small size."""
    from murai.measure.speed import measure_speed
    from murai.packs import StylePack

    return measure_speed(StylePack.load(tiny_pack), (64, 48), rounds=2, frames=12)


def test_every_network_and_runtime_has_a_row(figures):
    precisions = ["openvino-f32"] + ["openvino-bf16"] * has_bf16()
    wanted = {("johnson", "torch-f32")} | {(n, p) for n in ("tiny", "johnson") for p in precisions}
    assert {(r["network"], r["runtime"]) for r in figures["rows"]} == wanted
    for row in figures["rows"]:
        assert set(row) == {"network", "runtime", "size", "ms_median", "ms_p95", "mac_per_pixel"}
        assert 0 < row["ms_median"] <= row["ms_p95"]
        assert row["size"] == "64x48"


def test_the_ratios_are_those_of_the_rows(figures):
    rows = figures["rows"]
    ours = min(r["ms_median"] for r in rows if r["network"] == "tiny")
    for runtime in ("torch", "openvino"):
        reference = min(r["ms_median"] for r in rows if r["network"] == "johnson" and r["runtime"].startswith(runtime))
        assert figures[f"ratio_to_johnson_{runtime}"] == pytest.approx(reference / ours)


def test_the_pipeline_tells_its_rate_and_delay(figures):
    pipeline = figures["pipeline"]
    assert pipeline["fps"] > 0
    assert 0 < pipeline["delay_ms_median"] <= pipeline["delay_ms_p95"]
    assert pipeline["read"] == 12


def test_the_machine_is_named(figures):
    assert figures["machine"]["cores"] == os.cpu_count()
    assert figures["machine"]["cpu"]


def test_json_is_one_object_and_nothing_else(tiny_pack, capsys):
    arguments = ["--style", str(tiny_pack), "--size", "32x32", "--rounds", "1", "--frames", "4", "--json"]
    assert run(["measure", "speed", *arguments]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {
        "machine",
        "rows",
        "pipeline",
        "ratio_to_johnson_torch",
        "ratio_to_johnson_openvino",
    }


def test_without_json_it_is_a_table(tiny_pack, capsys):
    arguments = ["--style", str(tiny_pack), "--size", "32x32", "--rounds", "1", "--frames", "4"]
    assert run(["measure", "speed", *arguments]) == 0
    assert "| johnson | torch-f32 | 32x32 |" in capsys.readouterr().out
