"""`check-client --explore`: schedules of faults, the smallest failing one, and its repetition."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runa_mock_server.server_state.fault_spec import PLACES
from runa_mock_server.testing.client_scenarios.schedules import (
    Schedule,
    Step,
    parse_schedule,
    sample,
    schedule_text,
    schedules,
)
from support.command import run

PROGRAM = (sys.executable, "-I", "-S", str(Path(__file__).parent / "programs" / "client.py"))
QUICK = ("--rate-limit-wait", "0.4", "--silence", "2.5", "--timeout", "25", "--jobs", "8")

STEPS = st.builds(
    lambda target, attempt, fault: Step(target, attempt, *fault),
    st.sampled_from(["order", "read"]),
    st.integers(1, 99),
    st.sampled_from([(kind, place) for kind, places in PLACES.items() for place in places]),
).filter(lambda step: not (step.target == "read" and step.place == "inside"))


@pytest.fixture
def config(tmp_path: Path) -> tuple[str, ...]:
    """Settings with which an order ends soon."""
    file = tmp_path / "mock.toml"
    file.write_text("processing_delay = 0.3\n", encoding="utf-8")
    return ("check-client", "--config", str(file), *QUICK)


@given(schedule=st.lists(STEPS, min_size=1, max_size=4).map(tuple))
def test_a_schedule_survives_its_text(schedule: Schedule) -> None:
    """What is reported can be given to `--schedule`."""
    assert parse_schedule(schedule_text(schedule)) == schedule


@given(most=st.integers(1, 60), seed=st.integers(0, 99), orders=st.integers(1, 2))
def test_a_seed_draws_the_same_schedules(most: int, seed: int, orders: int) -> None:
    """Those with one fault come first, none comes twice, and there are as many as asked for."""
    drawn, total = sample(schedules(2, orders, has_reads=True), most, seed)
    assert (drawn, total) == sample(schedules(2, orders, has_reads=True), most, seed)
    assert len(drawn) == len({*drawn}) == min(most, total)
    sizes = [len(schedule) for schedule in drawn]
    assert sizes == sorted(sizes)


def test_every_attempt_of_a_schedule_can_happen() -> None:
    """A second attempt to order exists only where the first one was hit."""
    found = {schedule_text(schedule) for schedule in schedules(2, 1, has_reads=False)}
    assert "order:1:reset:before" in found
    assert "order:1:reset:before,order:2:status:before" in found
    assert not any(text.startswith("order:2") for text in found)


@pytest.mark.once
def test_a_correct_program_passes_every_single_fault(config: tuple[str, ...]) -> None:
    """Every kind at every place, for orders and reads."""
    done = run(*config, "--explore", "1", "--format", "json", "--", *PROGRAM)
    assert done.exit_code == 0, done.output
    explored = json.loads(done.stdout)["exploration"]
    assert explored["tried"] == explored["schedules"] == len([*schedules(1, 1, has_reads=True)])
    assert explored["smallest"] == []


@pytest.mark.once
def test_the_smallest_failing_schedule_is_reported_and_can_be_repeated(
    config: tuple[str, ...],
) -> None:
    """A defect that needs two faults shows with two, and again with the reported command."""
    options = ("--explore", "2", "--runs", "80", "--seed", "5")
    done = run(*config, *options, "--", *PROGRAM, "new-key-on-second-retry")
    assert done.exit_code == 1, done.output
    (line,) = [line for line in done.output.splitlines() if "runa-mock check-client" in line][:1]
    words = shlex.split(line)
    schedule = parse_schedule(words[words.index("--schedule") + 1])
    assert [(step.target, step.attempt) for step in schedule] == [("order", 1), ("order", 2)]
    again = run(*words[1:])
    assert again.exit_code == 1, again.output
    assert "kept_key" in again.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--schedule", "order:0:reset:before"), "'order:0:reset:before': must be TARGET:ATTEMPT"),
        (("--schedule", "read:1:delay:inside"), "must be TARGET:ATTEMPT:KIND:PLACE"),
        (("--schedule", ""), "must be TARGET:ATTEMPT:KIND:PLACE"),
        (("--explore", "5"), "5 is not in the range 1<=x<=4"),
        (("--explore", "1", "--select", "clean"), "cannot be combined"),
    ],
)
def test_wrong_usage_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    """Whatever cannot be meant ends with 2 and a reason."""
    done = run("check-client", *arguments, "--", "true")
    assert done.exit_code == 2
    assert told in done.stderr
