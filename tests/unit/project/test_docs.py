"""What README and docs say is true: examples compile and run, links lead somewhere, tables equal the code.

Conventions in the pages: a YAML block with ``tasks:`` is a workflow. ``<!-- run -->`` before it has it run in the
simulator to ``completed``; ``<!-- run failed {"a": 1} -->`` names another end and parameters. A block whose first line
is ``# packs/<path>`` is that file. ``<!-- expressions -->`` stands before a table of expressions and their results.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from tests.template import TEMPLATE, TEXT
from typer.testing import CliRunner

from attune.actions.runner import ActionRunner
from attune.adapters.memory.clock import VirtualClock
from attune.cli.main import app
from attune.cli.project import actions_home, prepare
from attune.exceptions import Severity
from attune.expressions import filters
from attune.expressions.templates import render
from attune.packs.checker import check
from attune.simulator import Simulator, TimedRunner

PROJECT = Path(__file__).parents[3]
DOCS = PROJECT / "docs"
PAGES = [*(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(DOCS.rglob("*.md"))]
FENCE = re.compile(r"(?:<!-- (?P<mark>run[^>]*) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"<!-- expressions -->\n(?P<rows>(?:\|.*\n)+)")
TESTS = re.compile(r"^cases:", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)\)")
CODE_CALLS = {"task_error", "error", "warning", "Problem", "_fail", "_note", "_failed", "problem_at"}


@dataclass(frozen=True)
class Block:
    """A fenced block: what kind, what it says, and how it was marked."""

    page: Path
    number: int
    kind: str
    text: str
    mark: str | None

    @property
    def path(self) -> str | None:
        """The file it is, if its first line says so."""
        found = re.match(r"# (packs/\S+)\n", self.text)
        return found[1] if found else None

    @property
    def is_workflow(self) -> bool:
        return self.kind == "yaml" and re.search(r"^tasks:", self.text, re.MULTILINE) is not None

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.number}"


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    found = []
    for match in FENCE.finditer(text_of(page)):
        line = text_of(page).count("\n", 0, match.start("text"))
        found.append(Block(page, line, match["kind"], match["text"], match["mark"]))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]
WORKFLOWS = [block for block in BLOCKS if block.is_workflow]
MARKED = [block for block in WORKFLOWS if block.mark]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The files that a page shows, as packs; and the page's workflows, each a file of its own beside them."""

    @cache
    def made(page: Path) -> Path:
        folder = tmp_path_factory.mktemp("docs")
        (folder / "packs").mkdir()
        for block in blocks(page):
            if block.path or block.is_workflow:
                path = folder / (block.path or f"{block.number}.yaml")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
        return folder

    return made


def file_of(block: Block, folder: Path) -> Path:
    return folder / (block.path or f"{block.number}.yaml")


@pytest.mark.parametrize("block", WORKFLOWS, ids=str)
def test_every_workflow_compiles(block: Block, files: Any) -> None:
    folder = files(block.page)
    problems = check([file_of(block, folder)], [folder / "packs", PROJECT / "packs"])
    assert [str(problem) for problem in problems] == []


@pytest.mark.parametrize("page", [page for page in PAGES if any(b.path for b in blocks(page))], ids=lambda p: p.stem)
def test_every_pack_that_a_page_shows_is_sound(page: Path, files: Any) -> None:
    folder = files(page)
    shown = [pack for pack in (folder / "packs").iterdir() if (pack / "pack.yaml").exists()]
    assert shown, "a page that shows files of a pack shows its pack.yaml"
    errors = [str(p) for p in check(shown, [PROJECT / "packs"]) if p.severity is Severity.ERROR]
    assert errors == []


def simulated(target: str, packs: list[Path], parameters: dict[str, Any]) -> Any:
    """The state in which it ends."""
    prepared, clock = prepare(target, packs), VirtualClock()
    with actions_home(prepared.packs) as home:
        simulator = Simulator(prepared.catalog, TimedRunner(ActionRunner(home), clock), clock=clock)
        execution = simulator.start(prepared.ref, parameters)
        simulator.run()
    return simulator.state(execution)


@pytest.mark.parametrize("block", MARKED, ids=str)
def test_every_marked_workflow_runs_to_the_end_it_is_marked_with(block: Block, files: Any) -> None:
    folder = files(block.page)
    mark = re.fullmatch(r"run(?: (?P<end>\w+))?(?: (?P<parameters>\{.*\}))?", block.mark or "")
    assert mark, f"{block.mark} is no mark"
    packs = [folder / "packs", PROJECT / "packs"]
    state = simulated(str(file_of(block, folder)), packs, json.loads(mark["parameters"] or "{}"))
    assert (state.status, state.error if state.status == "failed" and not mark["end"] else None) == (
        mark["end"] or "completed",
        None,
    )


@pytest.mark.parametrize(
    "block", [b for b in BLOCKS if b.kind == "yaml" and not b.path and TESTS.search(b.text)], ids=str
)
def test_every_test_file_beside_its_workflow_passes_as_shown(block: Block, tmp_path: Path) -> None:
    ref = yaml.safe_load(block.text)["workflow"]
    pack, _, name = ref.partition(".")
    workflow = next(b for b in blocks(block.page) if b.is_workflow and f"ref: {ref}\n" in b.text)
    files = {"pack": f"ref: {pack}\nlabel: {pack}\n", f"workflows/{name}": workflow.text, f"tests/{name}": block.text}
    for path, text in files.items():
        (tmp_path / pack / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / pack / f"{path}.yaml").write_text(text, encoding="utf-8")
    packs = ["--packs", str(tmp_path), "--packs", str(PROJECT / "packs")]
    ended = CliRunner().invoke(app, ["test", str(tmp_path / pack), *packs])
    shown = re.findall(r"^  ✓ .*|^  [a-z]+\.\w+ .*%$", text_of(block.page), re.MULTILINE)
    assert (ended.exit_code, [line for line in shown if line not in ended.stdout]) == (0, []), ended.output
    assert shown


def expressions() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for table in TABLE.finditer(text_of(page)):
            for row in table["rows"].splitlines()[2:]:
                cells = re.split(r"(?<!\\)\|", row)[1:-1]
                expression, result = (cell.strip().strip("`").replace("\\|", "|") for cell in cells)
                yield expression, result


@pytest.mark.parametrize(("expression", "result"), list(expressions()))
def test_every_expression_gives_the_result_beside_it(expression: str, result: str) -> None:
    assert render(f"{{{{ {expression} }}}}", {}) == json.loads(result)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(page: Path) -> set[str]:
    prose = FENCE.sub("", text_of(page))
    return {anchor(heading.strip()) for heading in re.findall(r"^#+ (.*)$", prose, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(PROJECT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", text_of(page))):
        to, _, heading = match["to"].partition("#")
        if "://" in to:
            continue
        target = (page.parent / to).resolve() if to else page
        if not target.exists() or (heading and heading not in anchors(target)):
            broken.append(match["to"])
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set[Path](), [DOCS / "index.md"]
    while todo:
        page = todo.pop()
        if page not in reached:
            reached.add(page)
            links = (page.parent / m["to"].partition("#")[0] for m in LINK.finditer(text_of(page)))
            todo += [link.resolve() for link in links if link.suffix == ".md" and link.resolve().is_relative_to(DOCS)]
    assert set(DOCS.rglob("*.md")) <= reached


def codes() -> set[str]:
    """All codes and types of errors that our code names."""
    sources = [*PROJECT.glob("layers/attune/attune/**/*.py"), *PROJECT.glob("packs/*/actions/*.py")]
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sources)
    return {code for tree in trees for node in ast.walk(tree) for code in _codes_in(node)}


def _codes_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        plain = (s for s in node.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "code")
        yield from (s.value.value for s in plain if isinstance(s.value, ast.Constant))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = next((a.value for a in node.args[:2] if isinstance(a, ast.Constant) and _is_code(a.value)), None)
        if name in CODE_CALLS and first:
            yield first
        yield from (k.value.value for k in node.keywords if k.arg == "type" and isinstance(k.value, ast.Constant))


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_-]+", value) is not None


def test_the_page_of_errors_has_every_code_and_no_other() -> None:
    rows = set(re.findall(r"^\| `([\w-]+)`", text_of(DOCS / "reference/errors.md"), re.MULTILINE))
    assert rows == codes()


def documented(page: str, heading: str) -> dict[str, str]:
    """First and second cells of the table below a heading, without backticks."""
    section = text_of(DOCS / page).split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \|", section, re.MULTILINE)
    return {name: value.strip().strip("`") for name, value in rows}


def test_the_template_parameters_are_the_real_ones() -> None:
    real = {name: str(rule.get("Default", "")) for name, rule in TEMPLATE["Parameters"].items()}
    assert documented("reference/configuration.md", "## Parameters of the template") == real


def test_the_variables_of_the_functions_are_the_real_ones() -> None:
    names = set(re.findall(r"ATTUNE__\w+(?=:)", TEXT))
    assert set(documented("reference/configuration.md", "## Variables of the functions")) == names


def test_the_outputs_of_the_template_are_the_real_ones() -> None:
    assert set(documented("reference/configuration.md", "## Outputs of the stack")) == set(TEMPLATE["Outputs"])


def commands(group: Any = None, path: str = "attune") -> dict[str, set[str]]:
    """Every command, and all spellings of its options."""
    group = group or typer.main.get_command(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= commands(command, f"{path} {name}")
        else:
            options = {spelling for p in command.params if p.param_type_name == "option" for spelling in p.opts}
            found[f"{path} {name}"] = options | {"--help", "-h"}
    return found


def test_the_commands_and_their_options_are_the_real_ones() -> None:
    page = text_of(DOCS / "reference/cli.md")
    sections = re.findall(r"^## `(attune [^`]*?)(?: [A-Z…|\[\]]+)*`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    shown = {name: set(re.findall(r"^\| `(--[\w-]+)", body, re.MULTILINE)) for name, body in sections}
    real = {name: {o for o in options if o.startswith("--")} - {"--help"} for name, options in commands().items()}
    common = {"--json", "--url", "--token", "--port"}
    assert {name: options - common for name, options in shown.items()} == {
        name: options - common for name, options in real.items()
    }


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.kind == "sh"], ids=str)
def test_every_command_in_a_shell_block_has_such_options(block: Block) -> None:
    known = commands()
    for line in block.text.splitlines():
        if not re.match(r"\s*(\.venv/bin/)?attune ", line):
            continue
        words = shlex.split(line, comments=True)
        if words[1:] == ["--version"]:
            continue
        name = next((f"attune {' '.join(words[1:n])}" for n in (3, 2) if f"attune {' '.join(words[1:n])}" in known), "")
        assert name, f"{line}: there is no such command"
        assert {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)} <= known[name], line


def test_the_make_targets_are_the_real_ones() -> None:
    real = set(re.findall(r"^([a-z0-9-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"\bmake ([a-z][a-z-]+)`", text_of(page))}
    assert named <= real | {"unit", "integration", "e2e"}


def test_the_routes_are_the_real_ones() -> None:
    from attune.api.application import Application

    def no_services() -> Any:
        raise AssertionError("the OpenAPI document needs no services")

    request = {"http": {"method": "GET", "path": "/api/v1/openapi.json"}, "stage": "$default"}
    event = {"version": "2.0", "rawPath": "/api/v1/openapi.json", "headers": {}, "requestContext": request}
    paths = json.loads(Application(no_services).answer(event, None)["body"])["paths"]
    real = {f"{verb.upper()} {path}" for path, item in paths.items() for verb in item}
    shown = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)`", text_of(DOCS / "reference/api.md"), re.MULTILINE))
    assert shown == real


NOT_YET = {
    "`with_items` on a group": "tasks: [{name: a, type: loop, with_items: [1], tasks: [{name: b, action: core.noop}]}]",
    "more than 100,000 items": "tasks: [{name: a, action: core.noop, with_items: '{{ range(10000) * 10 + [1] }}'}]",
    "`foreach`": "tasks: [{name: a, action: core.noop, foreach: [1]}]",
    "steps dialect": "apiVersion: attune/v1\nkind: Workflow\nsteps: [{name: a}]",
}
"""What the list of what isn't there says, and a workflow that shows it. When one of these works: document it."""


@pytest.mark.parametrize("words", NOT_YET)
def test_what_is_said_not_to_work_yet_fails_as_it_says(words: str, tmp_path: Path) -> None:
    section = text_of(DOCS / "reference/language.md").split("\n## Not yet\n", 1)[1]
    (row,) = (line for line in section.splitlines() if words in line.rpartition(" | ")[0])
    file = tmp_path / "w.yaml"
    file.write_text(f"ref: demo.w\n{NOT_YET[words]}\n", encoding="utf-8")
    wrong = {p.code for p in check([file], [PROJECT / "packs"]) if p.severity is Severity.ERROR}
    if not wrong:
        state = simulated(str(file), [PROJECT / "packs"], {})
        wrong = {str((state.error or {}).get("type"))}
        assert state.ended_at - state.created_at < 60, "no attempt has waited for its delay"
    assert {f"`{code}`" for code in wrong} & set(re.findall(r"`[^`]+`", row))


def test_every_filter_is_shown() -> None:
    page = text_of(DOCS / "reference/templates.md")
    known = {*filters.FILTERS, *filters.CONTEXT_FILTERS, *filters.FORGIVING_FILTERS}
    assert {name for name in known if f"| {name}" not in page} == set()
