"""The drawings: the tree, the timeline, lines, problems."""

import io

import pytest
from rich.console import Console

from attune.cli.render.lines import ended_lines
from attune.cli.render.problems import problem_text, summary
from attune.cli.render.result import result
from attune.cli.render.tables import executions
from attune.cli.render.timeline import bar, timeline
from attune.cli.render.tree import tree
from attune.cli.render.words import duration, failure
from attune.cli.view import Segment, View, latest_visits, visits
from attune.exceptions import Location, Problem, Severity
from attune.model.status import TaskStatus

T0 = 1_767_225_600.0


def iso(seconds):
    from attune.model.timestamps import iso as to_iso

    return None if seconds is None else to_iso(T0 + seconds)


def execution(status="running", **more):
    base = {"id": "E1", "workflow": "t.w", "status": status, "created_at": iso(0), "ended_at": None}
    return base | {"output": None, "error": None, "duration": None, "parent": None, "tasks": {}} | more


def node(name, status, *, visits=1, items=None):
    return {
        "name": name,
        "action": f"core.{name}",
        "type": "python",
        "status": status,
        "visits": visits,
        "items": items,
    }


def attempt(task, status, start, end, *, visit=1, index=None, number=1, error=None, child=None):
    times = {"started_at": iso(start), "ended_at": iso(end)}
    return {"task": task, "visit": visit, "index": index, "attempt": number, "status": status} | {
        "error": error,
        "child": child,
        **times,
    }


def text_of(drawing, width=120):
    out = Console(file=io.StringIO(), width=width, highlight=False)
    out.print(drawing)
    return out.file.getvalue()


ERROR = {"type": "boom", "message": "it broke [here]"}
CHILD = View(
    execution("completed", id="E2", workflow="t.sub", ended_at=iso(3), created_at=iso(1)),
    [node("inner", "completed")],
    [attempt("inner", "completed", 1, 3)],
)
VIEW = View(
    execution("failed", ended_at=iso(20), error=ERROR, output={"n": 1}),
    [
        node("build", "completed", items={"total": 2, "done": 2, "failed": 1}),
        node("sub", "completed"),
        node("test", "failed"),
        node("later", "pending", visits=0),
    ],
    [
        attempt("build", "completed", 0, 1, index=0),
        attempt("build", "failed", 0, 2, index=1, error={"type": "x", "message": "first"}),
        attempt("build", "completed", 3, 4, index=1, number=2),
        attempt("sub", "completed", None, 3, child="E2"),
        attempt("test", "failed", 4, 10, error={"type": "boom", "message": "early"}),
        attempt("test", "failed", 12, 20, number=2, error=ERROR),
    ],
    {"E2": CHILD},
)


def test_the_tree_has_every_task_in_the_order_of_the_graph_with_its_status():
    lines = text_of(tree(VIEW, T0 + 30)).splitlines()
    names = [
        next(name for name in ("t.w", "build", "sub", "inner", "test", "boom", "later") if name in line)
        for line in lines
    ]
    assert names == ["t.w", "build", "sub", "inner", "test", "boom", "later"]
    assert "✗ t.w  failed  20.0s" in lines[0]
    assert "✓ build  completed" in lines[1] and "4.0s" in lines[1] and "1 retry  2/2 items, 1 failed" in lines[1]
    assert "2.0s" in lines[2], "a sub-workflow takes as long as its execution"
    assert "16.0s" in lines[4] and "1 retry" in lines[4]
    assert "boom: it broke [here]" in lines[5], "messages are no markup"
    assert "· later  not run" in lines[6], "the execution is over"


def test_a_task_that_a_worker_has_taken_up_is_running_though_the_execution_does_not_know_yet():
    view = View(execution(), [node("a", "scheduled")], [attempt("a", "running", 0, None)])
    assert latest_visits(view, T0 + 5)[0].status is TaskStatus.RUNNING
    assert "⠋ a  running" in text_of(tree(view, T0 + 5, "⠋")) and "5.0s" in text_of(tree(view, T0 + 5))


def test_every_visit_of_a_loop_is_told_apart_and_the_tree_shows_the_latest():
    rows = [attempt("a", "failed", 0, 1, error=ERROR), attempt("a", "completed", 2, 3, visit=2)]
    view = View(execution(), [node("a", "completed", visits=2)], rows)
    assert [(visit.number, visit.status) for visit in visits(view, T0)] == [(1, "failed"), (2, "completed")]
    drawn = text_of(tree(view, T0 + 3))
    assert "visit 2" in drawn and "boom" not in drawn
    assert [row.split()[0:2] for row in text_of(timeline(view, T0 + 3)).splitlines()[2:]] == [["a", "(2)"]]


def test_a_visit_that_has_begun_but_has_no_attempt_yet_is_shown():
    view = View(execution(), [node("a", "waiting", visits=2)], [attempt("a", "completed", 0, 1)])
    assert [visit.status for visit in visits(view, T0)] == ["completed", "waiting"]


def test_the_timeline_has_a_bar_per_visit_in_the_order_they_began_children_below_their_task():
    lines = text_of(timeline(VIEW, T0 + 20, width=20)).splitlines()
    assert lines[0].split() == ["0", "20.0s"]
    assert [line.split()[0] for line in lines[1:]] == ["build", "sub", "inner", "test"]
    assert lines[3].startswith("  inner")
    shown = {line.split()[0]: line[8:28] for line in lines[1:]}
    assert shown["build"] == "██─█" + " " * 16, "between two attempts it waited"
    assert shown["test"] == "    ██████──████████"


def test_a_bar_of_no_length_has_a_cell_and_stays_inside():
    segments = [Segment(T0 + 10, T0 + 10, TaskStatus.COMPLETED)]
    assert bar(segments, T0, T0 + 10, 10).plain == " " * 9 + "█"
    assert bar(segments, T0 + 10, T0 + 10, 10).plain == "█" + " " * 9


def test_a_timeline_of_nothing_is_empty():
    assert text_of(timeline(View(execution(), [node("a", "pending", visits=0)]), T0)).split() == ["0", "0ms"]


def test_lines_say_each_end_once_in_the_order_of_time():
    lines = [line for _, line in ended_lines(VIEW, T0 + 30)]
    assert lines == [
        "✓ sub › inner completed after 2.0s",
        "✓ sub completed after 2.0s",
        "✓ build completed after 4.0s (1 retry, 2/2 items, 1 failed)",
        "✗ test failed after 16.0s (1 retry): boom: it broke [here]",
    ]
    assert len({key for key, _ in ended_lines(VIEW, T0 + 30)}) == 4


def test_the_result_has_the_error_the_output_and_the_timeline():
    shown = text_of(result(VIEW, T0 + 30))
    assert "✗ t.w failed in 20.0s" in shown
    assert shown.count("boom: it broke [here]") == 1, "the task's error is the execution's: said once"
    assert '"n": 1' in shown and "timeline" in shown


def test_another_tasks_error_is_said_besides_the_executions():
    view = View(execution("failed", error={"type": "failed_by_workflow", "message": "m"}), VIEW.nodes, VIEW.attempts)
    assert "  test: boom: it broke [here]" in text_of(result(view, T0 + 30))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0ms"),
        (0.0124, "12ms"),
        (0.0999, "0.1s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (65, "1m 05s"),
        (3599.9, "1h 00m"),
        (7380, "2h 03m"),
        (90_000, "1d 01h"),
    ],
)
def test_durations_read_well(seconds, words):
    assert duration(seconds) == words


def test_an_error_is_type_and_message_but_not_the_same_twice():
    assert failure({"type": "timeout", "message": "too late"}) == "timeout: too late"
    assert failure({"type": "cancelled", "message": "cancelled: by me"}) == "cancelled: by me"
    assert failure({"type": "odd", "message": None}) == "odd"
    assert failure(None) == ""


PROBLEM = Problem("unknown-target", "there is no 'x'", Location("w.yaml", 2, 4), hint="did you mean 'y'?")


def test_a_problem_is_one_line_and_with_its_source_a_caret_below_the_place():
    assert problem_text(PROBLEM).plain == "w.yaml:2:4: error: there is no 'x' (did you mean 'y'?) [unknown-target]"
    lines = problem_text(PROBLEM, ["first", "\tabx: y"]).plain.splitlines()
    assert lines[1] == "     2 │ \tabx: y"
    assert lines[2] == "       │ \t  ^", "a tab stays a tab, so that the caret stands below the x"


def test_a_problem_beyond_the_end_of_the_file_has_no_excerpt():
    assert "│" not in problem_text(PROBLEM, ["only line"]).plain


def test_the_summary_counts():
    warning = Problem("w", "m", Location("f"), severity=Severity.WARNING)
    assert summary([PROBLEM, PROBLEM, warning]).plain == "2 errors, 1 warning"
    assert summary([warning]).plain == "1 warning"
    assert summary([]).plain == "no problems"


def test_a_narrow_terminal_shortens_the_workflows_name_and_nothing_else():
    rows = [execution("completed", id="0" * 26, workflow="p." + "w" * 50, duration=5)]
    header, row = text_of(executions(rows, 80), width=80).splitlines()
    assert header.split()[-1] == "DURATION"
    assert row.split()[0] == "0" * 26 and "…" in row and row.split()[-1] == "5.0s"
