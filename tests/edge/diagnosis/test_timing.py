from edge.diagnosis.timing import WARM_UP, median_seconds


def test_cases_take_turns_in_every_round_and_every_round_runs():
    calls: list[str] = []
    cases = {name: lambda name=name: calls.append(name) for name in "ab"}
    found = median_seconds(cases, rounds=3)
    assert calls == ["a", "b"] * (WARM_UP + 3)
    assert found.keys() == {"a", "b"}
    assert all(seconds >= 0 for seconds in found.values())
