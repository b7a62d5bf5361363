"""Which files of tests are begun first, so that no process ends with one while others are idle."""

from pathlib import Path

TESTS = Path(__file__).parent
LONGEST = frozenset(
    TESTS / name
    for name in (
        "edge/cluster/test_cluster.py",
        "edge/commands/test_evaluate.py",
        "edge/commands/test_init.py",
        "edge/commands/test_pair.py",
        "edge/commands/test_tune.py",
        "edge/detection/test_plans.py",
        "edge/detection/test_rtx_detectors.py",
        "edge/service/test_kill.py",
        "edge/service/test_running_gate.py",
        "edge/service/test_sole_use.py",
        "engines/build/test_build.py",
        "engines/build/test_input_forms.py",
        "engines/build/test_memory.py",
        "engines/plans/test_pair_plans.py",
        "engines/pruning/test_named_recipes.py",
        "engines/tensorrt/test_rtx.py",
        "system/test_arm64.py",
        "system/test_install.py",
        "system/test_package.py",
        "system/test_service.py",
        "test_documents.py",
        "test_soak.py",
        "test_wheel.py",
    )
)
"""Each takes ten seconds of a processor, or half a minute of waiting."""
