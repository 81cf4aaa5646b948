"""``attune graph``: a workflow as text, Mermaid and SVG, with and without an execution's statuses."""

import random
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from attune.cli.main import app
from attune.cli.render.graph import Drawing, mermaid, text
from attune.cli.render.graph_layout import GAP_Y, layout
from attune.cli.render.graph_svg import svg
from attune.model.status import TaskStatus

PACKS = Path(__file__).parents[3] / "packs"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def attune(tmp_path, monkeypatch):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def node(name, status="pending", **more):
    return {"name": name, "action": "t.do", "type": "python", "status": status, "visits": 1, "items": None, **more}


def edge(a, b, on="success", when=None):
    return {"from": a, "to": b, "on": on, "when": when}


ODD = Drawing(
    'odd "one" <&>',
    [
        node("a", "completed"),
        node("b#1", "failed", visits=2),
        node("group", "running", action="", type="parallel"),
        node("m", "running", group="group"),
        node("n", "pending", group="group", items={"total": 4, "done": 2, "failed": 1}),
    ],
    [
        edge("a", "b#1", "decision", '{{ result.x == "|`<b>" and more }}'),
        edge("a", "group", "decision"),
        edge("b#1", "a", "failure"),
        edge("b#1", "b#1", "timeout"),
        edge("b#1", "fail", "complete"),
    ],
    shows_status=True,
)


def test_text_lists_tasks_with_what_follows_each(attune):
    ended = attune("graph", "examples.diamond", "--packs", PACKS)
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[:4] == [
        "examples.diamond",
        "○ a  core.echo",
        "  ├─ success → b",
        "  └─ success → c",
    ]


def test_text_indents_members_of_groups_and_shows_statuses():
    from rich.console import Console

    console = Console(width=100)
    with console.capture() as capture:
        console.print(text(ODD))
    lines = capture.get().splitlines()
    assert "● group  parallel  running" in lines
    assert "    ● m  t.do  running" in [line.rstrip() for line in lines]
    assert any("pending, 2/4 items, 1 failed" in line for line in lines)
    assert "✗ b#1  t.do  failed, visit 2" in lines


def test_mermaid_quotes_what_has_a_meaning_and_draws_groups_failures_and_statuses():
    found = mermaid(ODD)
    lines = [line.strip() for line in found.splitlines()]
    assert lines[0] == "flowchart TD"
    assert 't1["b#35;1<br/><small>t.do</small>"]' in lines
    assert lines[lines.index('subgraph t2["group (parallel)"]') + 1].startswith('t3["m')
    assert 't1 -.->|"failure"| t0' in lines
    assert (
        't0 -->|"result.x == #quot;#124;#96;#lt;b#gt;#quot; and…"| t1' in lines or "#quot;#124;#96;#lt;b#gt;" in found
    )
    assert "class t0 completed" in lines and "class t2,t3 running" in lines
    assert 't5(["fail"])' in lines
    for line in lines:
        assert re.fullmatch(r'[^"]*("[^"`|<>]*(<br/><small>[^"`|<>]*</small>)?"[^"]*)*', line), line


def test_svg_is_well_formed_has_every_task_and_says_conditions_in_full():
    root = ElementTree.fromstring(svg(ODD))  # noqa: S314 - our own
    tasks = [group.get("data-task") for group in root.iter(f"{SVG}g")]
    assert tasks == ["a", "b#1", "group", "m", "n", "fail"]
    titles = {title.text for title in root.iter(f"{SVG}title")}
    assert '{{ result.x == "|`<b>" and more }}' in titles
    assert "begins with" in titles, "from the group to its members"
    boxes = {group.get("data-task"): group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")}
    assert boxes["a"].get("fill") != boxes["b#1"].get("fill") != boxes["m"].get("fill")


def test_a_file_decides_the_format_by_its_name(attune, tmp_path):
    for name, begins in (("a/g.svg", "<svg"), ("g.mmd", "flowchart"), ("g.txt", "examples.import_orders")):
        assert attune("graph", "examples.import_orders", "--packs", PACKS, "-o", name).exit_code == 0
        assert (tmp_path / name).read_text().startswith(begins)
    ended = attune("graph", "examples.import_orders", "--packs", PACKS, "-f", "svg")
    assert ended.stdout == (tmp_path / "a/g.svg").read_text()


def test_one_of_workflow_and_execution_must_be_named(attune):
    assert attune("graph").exit_code == 2
    assert attune("graph", "a.b", "--execution", "x").exit_code == 2


def test_every_status_has_a_colour():
    from attune.cli.render.graph import COLOURS

    assert set(COLOURS) == set(map(str, TaskStatus))


@pytest.mark.parametrize("seed", range(25))
def test_boxes_never_overlap_and_arrows_lead_from_box_to_box(seed):
    chance = random.Random(seed)  # noqa: S311
    count = chance.randint(1, 30)
    sizes = [(chance.randint(40, 300), 46.0) for _ in range(count)]
    pairs = {(chance.randrange(count), chance.randrange(count)) for _ in range(chance.randint(0, 60))}
    edges = sorted(pairs)
    found = layout(sizes, edges)
    rows = {}
    for (x, y), (width, _) in zip(found.centres, sizes, strict=True):
        rows.setdefault(y, []).append((x - width / 2, x + width / 2))
        assert x - width / 2 >= -1e-6 and x + width / 2 <= found.width + 1e-6 and y <= found.height
    for row in rows.values():
        assert all(a[1] < b[0] for a, b in pairwise(sorted(row)))
    for (a, b), route in zip(edges, found.routes, strict=True):
        assert (route == []) == (a == b)
        if route:
            assert (route[0], route[-1]) == (found.centres[a], found.centres[b])
            assert all(abs(p[1] - q[1]) == 46 + GAP_Y for p, q in pairwise(route)), "from rank to rank"


def test_a_chain_stands_straight_and_a_thousand_tasks_are_laid_out(attune, tmp_path):
    found = layout([(100.0, 46.0)] * 5, list(pairwise(range(5))))
    assert {x for x, _ in found.centres} == {50.0}
    lines = ["tasks:"] + [
        f"  - {{name: t{n}, action: core.noop, on_success: [t{n + 1}, t{min(n + 9, 999)}]}}" for n in range(999)
    ]
    (tmp_path / "w.yaml").write_text("\n".join([*lines, "  - {name: t999, action: core.noop}"]))
    ended = attune("graph", "w.yaml", "--packs", PACKS, "-f", "svg")
    assert ended.stdout.count('class="task"') == 1000


def test_the_statuses_of_an_execution_come_from_the_api(attune, monkeypatch):
    import httpx

    execution = {"id": "X1", "workflow": "t.w", "status": "running"}
    answers = {
        "/api/v1/workflow-executions/X1": execution,
        "/api/v1/workflow-executions/X1/graph": {
            "nodes": [node("a", "completed"), node("b", "waiting")],
            "edges": [edge("a", "b")],
        },
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"data": answers[request.url.path]}))
    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: real(**options | {"transport": transport}))
    ended = attune("graph", "--execution", "X1", "--url", "http://stack.example", "--token", "t")
    assert ended.exit_code == 0, ended.output
    assert [line.rstrip() for line in ended.stdout.splitlines()] == [
        "t.w · running · X1",
        "✓ a  t.do  completed",
        "  └─ success → b",
        "◔ b  t.do  waiting",
    ]
