"""Try out what can go wrong: ``python -m tests.explore --seconds 600``.

A single fault at every call first, then pairs until the time is over. A failure prints the command that repeats it:
``python -m tests.explore --workflow chain --fault 17:crash_after --seed 5``. ``--write`` puts the table into the docs.
"""

from __future__ import annotations

import argparse
import sys
import time

from tools.measured_pages import put

from attune.adapters.memory.faults import FaultKind
from tests.conftest import PROJECT
from tests.explore.run import expected, explore, play
from tests.explore.search import Results, Row, Trial, search
from tests.explore.workflows import WORKFLOWS

SHOWN = 20
"""Failures that are printed."""
PAGE = PROJECT / "docs/explanation/nothing-is-lost.md"
BEGIN, END = "<!-- explore: begin -->", "<!-- explore: end -->"


def main() -> int:
    """Returns 1 if anything failed."""
    options = _options()
    if options.fault:
        return _repeat(Trial(options.workflow[0], dict(options.fault), options.seed))
    begun = time.monotonic()
    results = search(options.workflow or WORKFLOWS, options.seconds, options.seed, options.processes)
    made = f"{table(results)}\n\n{facts(results, time.monotonic() - begun, options.seed)}"
    print(made)
    if options.write:
        put(PAGE, BEGIN, END, f"{BEGIN}\n{made}\n{END}")
    failures = _total(results).failures
    for trial, wrong in failures[:SHOWN]:
        print(f"\n{trial.command()}")
        print("\n".join(f"  {problem}" for problem in wrong[:5]))
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.explore", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60, help="how long; the single faults are tried in any case")
    parser.add_argument("--seed", type=int, default=0, help="what chance begins with")
    parser.add_argument("--processes", type=int, help="as many as there are processors, unless given")
    parser.add_argument("--workflow", action="append", choices=WORKFLOWS, help="only this one (may be repeated)")
    parser.add_argument("--fault", action="append", type=_fault, metavar="CALL:KIND", help="repeat one run")
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(PROJECT)}")
    options = parser.parse_args()
    if options.write and (options.workflow or options.fault):
        parser.error("--write is for a run of all workflows")
    if options.fault and len(options.workflow or ()) != 1:
        parser.error("--fault needs one --workflow")
    return options


def _fault(text: str) -> tuple[int, FaultKind]:
    number, _, kind = text.partition(":")
    return int(number), FaultKind(kind)


def _repeat(trial: Trial) -> int:
    """Show one run call by call."""
    outcome, _, made = play(trial.workflow, trial.plan, trial.seed)
    for number, call in enumerate(made, 1):
        print(f"{number:4}  {call}{'   <== ' + trial.plan[number] if number in trial.plan else ''}")
    print(f"\nended as       {outcome}\nwithout faults {expected(trial.workflow)[0]}\n")
    wrong = explore(trial.workflow, trial.plan, trial.seed)
    print("\n".join(wrong) or "nothing is wrong")
    return 1 if wrong else 0


def table(results: Results) -> str:
    """As Markdown."""
    rows = [*results.items(), ("**all**", _total(results))]
    lines = [f"| {name} | {row.points:,} | {row.runs:,} | {len(row.failures)} |" for name, row in rows]
    return "\n".join(["| workflow | calls | runs | failures |", "|---|---|---|---|", *lines])


def facts(results: Results, seconds: float, seed: int) -> str:
    """What was done, in a line."""
    total = _total(results)
    done = f"{len(results)} workflows, {total.points:,} calls, {total.runs:,} runs, {len(total.failures)} failures"
    return f"{done}, in {seconds:.0f} seconds with seed {seed}."


def _total(results: Results) -> Row:
    rows = results.values()
    failures = [failure for row in rows for failure in row.failures]
    return Row(sum(row.points for row in rows), sum(row.runs for row in rows), failures)


if __name__ == "__main__":
    sys.exit(main())
