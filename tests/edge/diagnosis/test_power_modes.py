"""Tables of the form of /etc/nvpmodel.conf; the figures are made up."""

import pytest

from edge.diagnosis.power_modes import fastest, power_modes

HEAD = """\
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< PARAM TYPE=CLOCK NAME=GPU >
MAX_FREQ /sys/devices/gpu/max_freq
"""
TAIL = "# mandatory\n< PM_CONFIG DEFAULT=0 >\n"


def mode(head, gpu, cpu=1_510_400, cores=6, gated=0):
    online = "".join(f"CPU_ONLINE CORE_{core} {int(core < cores)}\n" for core in range(6))
    return (
        f"< POWER_MODEL {head} >\n{online}TPC_POWER_GATING TPC_PG_MASK {gated}\n"
        f"CPU_A78_0 MIN_FREQ 729600\nCPU_A78_0 MAX_FREQ {cpu}\n"
        f"GPU MIN_FREQ 0\nGPU MAX_FREQ {gpu}\nEMC MAX_FREQ 0\n\n"
    )


@pytest.fixture
def chosen(tmp_path):
    def choose(*modes):
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/nvpmodel.conf").write_text(HEAD + "".join(modes) + TAIL)
        found = fastest(power_modes(tmp_path))
        return found and (found.number, found.name)

    return choose


def test_the_fastest_mode_is_not_always_number_0(chosen):
    modes = mode("ID=0 NAME=15W", 612_000_000), mode("ID=2 NAME=MAXN_SUPER", -1, -1)
    assert chosen(*modes, mode("ID=1 NAME=25W", 918_000_000)) == (2, "MAXN_SUPER")


def test_number_0_is_the_fastest_where_the_table_says_so(chosen):
    assert chosen(mode("ID=0 NAME=MAXN", -1, -1), mode("ID=1 NAME=7W", 408e6)) == (0, "MAXN")


def test_of_equal_gpu_clocks_the_one_with_more_gpu_and_then_more_cpu_is_faster(chosen):
    gated, few = mode("ID=0 NAME=a", 9, gated=252), mode("ID=1 NAME=b", 9, cores=4)
    assert chosen(gated, few, mode("NAME=c ID=5", 9)) == (5, "c")


def test_what_is_commented_out_is_no_mode(chosen):
    assert chosen(mode("ID=0 NAME=15W", 6), "# < POWER_MODEL ID=9 NAME=X >\n") == (0, "15W")


def test_without_a_table_there_is_no_fastest_mode(tmp_path):
    assert fastest(power_modes(tmp_path)) is None
