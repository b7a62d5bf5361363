"""The builder's words about plans: each reaches the build, none is silently unused."""

import argparse
from pathlib import Path

import pytest

from edge.__main__ import EXIT_USAGE, main
from edge.commands.arguments.pair import add_arguments
from edge.commands.pair import plan_options
from edge.errors import UsageError
from engines.plans.options import PlanOptions
from engines.tensorrt.profile import BatchProfile

FLAWED = ["4,2,1", "2,4,8", "1,4", "1,4,8,16", "one,4,8", "1, 4,8", "-1,4,8"]


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["build", "--out", "x", "--backend", "tensorrt", *words])


def test_without_options_the_defaults_are_those_of_the_builder():
    assert plan_options(parsed()) == PlanOptions()


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--precision", "fp32"], "precision", "fp32"),
        (["--batch", "1,2,16"], "profile", BatchProfile(smallest=1, usual=2, largest=16)),
        (["--batch", "1,1,1"], "profile", BatchProfile(smallest=1, usual=1, largest=1)),
        (["--workspace", "512"], "workspace_bytes", 512 << 20),
        (["--typing", "weak"], "typing", "weak"),
        (["--keep-fp32", "a", "--keep-fp32", "b"], "keep_fp32", ("a", "b")),
        (["--prelu", "joined"], "prelu", "joined"),
        (["--timing-cache", "t"], "timing_cache", Path("t")),
        (["--compute-capability", "SM86"], "compute_capability", "SM86"),
    ],
)
def test_each_option_reaches_the_build(words, field, value):
    assert getattr(plan_options(parsed(*words)), field) == value


@pytest.mark.parametrize("text", FLAWED)
def test_batch_sizes_that_are_no_profile_are_a_wrong_command_line(text, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["pair", "build", "--out", "x", "--batch", text])
    assert caught.value.code == EXIT_USAGE
    assert "--batch" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "much"])
def test_a_workspace_that_is_no_number_of_mib_is_a_wrong_command_line(text):
    with pytest.raises(SystemExit) as caught:
        main(["pair", "build", "--out", "x", f"--workspace={text}"])
    assert caught.value.code == EXIT_USAGE


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--backend", "openvino", "--batch", "1,1,1"], "--batch needs --backend tensorrt"),
        (["--backend", "openvino", "--precision", "fp16"], "fp16 needs --backend tensorrt"),
        (["--precision", "bf16"], "--precision needs --backend tensorrt or openvino"),
    ],
)
def test_what_openvino_would_not_look_at_is_refused(words, told, capsys):
    assert main(["pair", "build", "--out", "x", *words]) == 64
    assert told in capsys.readouterr().err


def test_bf16_is_no_precision_of_plans():
    with pytest.raises(UsageError, match="bf16 needs --backend openvino"):
        plan_options(parsed("--precision", "bf16"))


def test_an_option_of_plans_without_plans_is_refused_and_not_ignored(capsys):
    assert main(["pair", "build", "--out", "x", "--precision", "fp32"]) == 64
    assert "--precision needs --backend tensorrt" in capsys.readouterr().err


def test_a_detectors_file_without_a_detector_is_a_wrong_command_line(tmp_path, capsys):
    words = ["--detector", "none", "--detector-model", str(tmp_path / "yunet.onnx")]
    assert main(["pair", "plan", "--backend", "rtx", *words]) == EXIT_USAGE
    assert "--detector-model needs a detector" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--detector", "yunet"], ["--detector-model", "x.onnx"]])
def test_a_detector_without_plans_is_refused_and_not_ignored(words, capsys):
    assert main(["pair", "build", "--out", "x", *words]) == EXIT_USAGE
    assert f"{words[0]} needs --backend tensorrt" in capsys.readouterr().err
