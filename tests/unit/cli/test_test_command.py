"""``attune test``: what a test file may say, and what is said when it is not so."""

import json
import textwrap
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from attune.actions.attempt import Attempt
from attune.actions.runner import ActionRunner
from attune.adapters.memory.clock import VirtualClock
from attune.cli.main import app
from attune.packs.loader import load_pack
from attune.testing.expectations import ABSENT, compare
from attune.testing.mocks import COMPUTED, MockRunner

PACKS = Path(__file__).parents[3] / "packs"

PAY = """
    ref: shop.pay
    parameters:
      amount: {type: number, required: true}
    timeout: 30d
    vars: {state: open}
    tasks:
      - name: charge
        action: shop.charge
        input: {amount: "{{ parameters.amount }}"}
        retry: {count: 3, delay: 600, backoff: exponential}
        timeout: 60
        publish: [state: paid]
        on_success: cool_down
        on_failure: give_up
      - name: cool_down
        action: core.sleep
        input: {seconds: 24h}
        on_success: ship
      - name: ship
        action: shop.ship
        with_items: "{{ range(3) }}"
        input: {parcel: "{{ item }}"}
      - name: give_up
        action: core.echo
        input: {message: "{{ task.charge.error.message }}"}
        on_complete: fail
    output_map:
      parcels: "{{ task.ship.result }}"
    """
ANYTHING = """
    runner_type: python
    parameters: {{type: object, properties: {{{name}: {{type: number}}}}, required: [{name}]}}
    output_schema: {{type: object}}
    """


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


@pytest.fixture
def shop(tmp_path):
    """A folder of packs with one that has a workflow and two actions without code."""
    home = tmp_path / "packs" / "shop"
    write(home / "pack.yaml", "ref: shop\n")
    write(home / "workflows" / "pay.yaml", PAY)
    for name, given in (("charge", "amount"), ("ship", "parcel")):
        write(home / "actions" / f"{name}.yaml", ANYTHING.format(name=given))
        write(home / "actions" / f"{name}.py", "def run(**given):\n    return dict(given)\n")
    return home


@pytest.fixture
def attune(shop, monkeypatch):
    """Run the command beside the shop, with the core pack in reach; a text is a test file of the shop."""
    monkeypatch.chdir(shop.parents[1])
    monkeypatch.delenv("ATTUNE__PACKS_BASE_DIR", raising=False)

    def run(text, *options):
        file = write(shop / "tests" / "pay.yaml", text)
        return CliRunner().invoke(
            app, ["test", str(file), "--packs", "packs", "--packs", str(PACKS), *map(str, options)]
        )

    return run


GOOD = """
    workflow: shop.pay
    parameters: {amount: 5}
    mocks:
      shop.charge: {result: {}, takes: 2s}
      shop.ship: {result: {sent: true}}
    cases:
      - name: paid and shipped
        expect:
          output: {parcels: [{sent: true}, {sent: true}, {sent: true}]}
          tasks: [charge, cool_down, ship]
          inputs: {charge: {amount: 5}, ship: [{parcel: 0}, {parcel: 1}, {parcel: 2}]}
          vars: {state: paid}
          attempts: {charge: 1, ship: 3}
          elapsed: 86402
      - name: paid at the third attempt
        mocks:
          charge:
            attempts: [{error: {type: busy}}, {error: {type: busy}}, {result: {}}]
        expect: {attempts: {charge: 3}, elapsed: {min: 24.4h, max: 25h}}
      - name: never paid
        mocks: {charge: {takes: 2m}}
        expect: {error: {type: failed_by_workflow}, ran: [give_up], not_ran: [ship], attempts: {charge: 4}}
    """


def test_retries_time_outs_and_a_day_of_sleep_pass_in_no_time_and_all_transitions_are_taken(attune):
    begun = time.monotonic()
    ended = attune(GOOD)
    assert ended.exit_code == 0, ended.output
    assert time.monotonic() - begun < 10
    assert "3 passed" in ended.stdout
    assert "shop.pay     4/4  100%" in ended.stdout


def test_transitions_that_no_test_took_are_named(attune):
    ended = attune(GOOD, "-k", "third")
    assert "shop.pay     2/4   50%" in ended.stdout
    assert "never: charge → give_up (failure)" in ended.stdout
    assert "never: give_up → fail (complete)" in ended.stdout
    assert "transitions taken" not in attune(GOOD, "--no-coverage").stdout


@pytest.mark.parametrize(
    ("expression", "count"),
    [("paid", 3), ("paid and not third", 2), ("third or never", 2), ("not paid", 0), ("shop.pay and SHIPPED", 1)],
)
def test_an_expression_chooses_cases(attune, expression, count):
    ended = attune(GOOD, "-k", expression, "--json")
    found = json.loads(ended.stdout)
    assert found.get("passed") == count if count else ended.exit_code == 2


EXPECTATIONS = [
    ("status: failed", 'expected "failed"', 'got "completed"'),
    ("output: {parcels: [{sent: false}, {}, {}]}", "output.parcels[0].sent:", "expected false"),
    ("output: {parcels: []}", "output.parcels:", "expected []"),
    ("output: {other: 1}", "output.other:", "got nothing"),
    ("error: {type: x}", "error.type:", 'expected "x"'),
    ("tasks: [charge, ship]", "+ cool_down", "  charge"),
    ("ran: [give_up]", "ran:", '["give_up"]'),
    ("not_ran: [ship]", "not_ran:", '["ship"]'),
    ("inputs: {charge: {amount: 6}}", "inputs.charge.amount:", "expected 6"),
    ("inputs: {ship: [{parcel: 0}]}", "inputs.ship:", '[{"parcel": 0}]'),
    ("vars: {state: open}", "vars.state:", 'got "paid"'),
    ("attempts: {charge: 2}", "attempts.charge:", "got 1"),
    ("elapsed: 23h", "elapsed:", "86402 s"),
    ("elapsed: {max: 1h}", "elapsed:", "at most 3600 s"),
]


@pytest.mark.parametrize(("expect", "where", "what"), EXPECTATIONS, ids=[row[0] for row in EXPECTATIONS])
def test_each_expectation_can_fail_and_says_what_differs(attune, expect, where, what):
    one = textwrap.dedent(GOOD).split("    expect:")[0] + f"    expect: {{{expect}}}\n"
    ended = attune(one)
    assert ended.exit_code == 1, ended.output
    assert where in ended.stdout and what in ended.stdout
    assert "pay.yaml:8:5" in ended.stdout
    assert "1 failed" in ended.stdout


def test_an_action_without_a_mock_fails_the_case_whatever_it_expects(attune):
    ended = attune("workflow: shop.pay\ncases: [{name: a, parameters: {amount: 1}, expect: {status: failed}}]")
    assert ended.exit_code == 1
    assert "task 'charge' calls shop.charge, which is neither mocked nor real" in ended.stdout
    assert "real: [shop.charge]" in ended.stdout


def test_actions_run_for_real_where_that_is_asked_for(attune):
    ended = attune(
        """
        workflow: shop.pay
        cases:
          - name: a
            parameters: {amount: 1}
            real: [shop.ship]
            mocks: {charge: {result: {}}}
            expect: {output: {parcels: [{parcel: 0}, {parcel: 1}, {parcel: 2}]}}
        """
    )
    assert ended.exit_code == 0, ended.output


def test_a_mock_that_does_not_fit_the_output_schema_is_wrong(attune):
    ended = attune(GOOD.replace("result: {}, takes", "result: [1], takes"))
    assert "the mock of task 'charge' is wrong: what shop.charge returned does not fit" in ended.stdout


def test_mocks_of_single_items_and_their_attempts(attune):
    ended = attune(
        """
        workflow: shop.pay
        cases:
          - name: a
            parameters: {amount: 1}
            mocks:
              charge: {result: {}}
              ship: {result: {n: 0}, items: {"1": {error: {type: lost}}, "2": {result: {n: 2}, takes: 1m}}}
            expect: {error: {type: items_failed}, elapsed: {min: 24h}}
        """,
        "--json",
    )
    (case,) = json.loads(ended.stdout)["cases"]
    assert case["passed"], case
    assert case["elapsed"] == 86_460


def test_the_timeline_cancels_pauses_and_resumes(attune):
    ended = attune(
        """
        workflow: shop.pay
        parameters: {amount: 1}
        mocks: {shop.charge: {result: {}, takes: 10s}, shop.ship: {result: {}}}
        cases:
          - {name: stopped, timeline: [{at: 4s, cancel: enough}],
             expect: {status: cancelled, error: {message: enough}, elapsed: 4}}
          - {name: held, timeline: [{at: 4s, pause: true}], expect: {status: timed_out, tasks: [charge], elapsed: 30d}}
          - {name: held for two days, timeline: [{at: 2d, resume: true}, {at: 4s, pause: lunch}], expect: {elapsed: 3d}}
          - {name: nobody asks, timeline: [{at: 1s, answer: {task: charge, response: 1}}]}
        """,
        "--json",
    )
    cases = {case["name"]: case for case in json.loads(ended.stdout)["cases"]}
    assert [name for name, case in cases.items() if not case["passed"]] == ["nobody asks"]
    assert cases["nobody asks"]["problems"] == ["timeline, at 1 s: task 'charge' asks nothing at that time"]


def test_sub_workflows_run_unless_they_are_mocked(attune, shop):
    write(
        shop / "workflows" / "order.yaml",
        """
        tasks:
          - {name: pay, action: shop.pay, input: {amount: 3}, on_success: nap}
          - {name: nap, action: core.sleep, input: {seconds: 1h}}
        output_map: "{{ task.pay.result }}"
        """,
    )
    ended = attune(
        """
        workflow: shop.order
        mocks: {shop.charge: {result: {}}, shop.ship: {result: {n: 1}}}
        cases:
          - name: the whole way down
            expect: {output: {parcels: [{n: 1}, {n: 1}, {n: 1}]}, inputs: {pay: {amount: 3}}, elapsed: 25h}
          - name: mocked
            mocks: {shop.pay: {result: {parcels: []}}, nap: {result: null, takes: 5s}}
            expect: {output: {parcels: []}, inputs: {pay: {amount: 3}}, elapsed: 5}
        """
    )
    assert ended.exit_code == 0, ended.output


def test_branches_of_one_batch_are_reported_when_they_end(attune, shop):
    write(
        shop / "workflows" / "race.yaml",
        """
        tasks:
          - {name: slow, action: shop.charge, input: {amount: 1}, on_success: after_slow}
          - {name: fast, action: shop.charge, input: {amount: 2}, on_success: after_fast}
          - {name: after_fast, action: core.echo}
          - {name: after_slow, action: core.echo}
        """,
    )
    ended = attune(
        """
        workflow: shop.race
        cases:
          - name: a
            mocks: {slow: {result: {}, takes: 100s}, fast: {result: {}, takes: 1s}}
            timeline: [{at: 50s, cancel: true}]
            expect: {status: cancelled, tasks: [slow, fast, after_fast]}
        """
    )
    assert ended.exit_code == 0, ended.output


def test_parameters_that_do_not_fit_are_an_outcome(attune):
    ended = attune(
        "workflow: shop.pay\n"
        "cases: [{name: a, expect: {status: rejected, error: {type: invalid_parameters, message: amount}}}]"
    )
    assert ended.exit_code == 0, ended.output


WRONG = [
    ("cases: [{name: a}]", ":1:9: error: the case 'a' needs either a 'workflow' or an 'action'"),
    ("workflow: shop.pay\ncases: []", ":2:8: error: 'cases' must not be empty"),
    (
        "workflow: shop.pa\ncases: [{name: a}]",
        ":1:11: error: there is no workflow 'shop.pa' (did you mean 'shop.pay'?)",
    ),
    (
        "workflow: shop.pay\ncases: [{name: a, expekt: {}}]",
        ":2:19: error: unknown key 'expekt' (did you mean 'expect'?)",
    ),
    (
        "workflow: shop.pay\ncases: [{name: a, mocks: {charge: {reslt: 1}}}]",
        ":2:36: error: unknown key 'reslt' (did you mean 'result'?)",
    ),
    (
        "workflow: shop.pay\ncases: [{name: a, mocks: {chrge: {}}}]",
        ":2:27: error: 'chrge' is neither a task of what is tested nor an action (did you mean 'charge'?)",
    ),
    (
        "workflow: shop.pay\ncases: [{name: a, expect: {ran: [shp]}}]",
        ":2:34: error: shop.pay has no task 'shp' (did you mean 'ship'?)",
    ),
    (
        "workflow: shop.pay\ncases: [{name: a, timeline: [{at: 1s, cancel: true, pause: true}]}]",
        ":2:30: error: an entry of the timeline does exactly one thing",
    ),
    ("workflow: shop.pay\ncases: [{name: a, expect: {status: done}}]", ":2:36: error: 'status' must be"),
    ("workflow: shop.pay\ncases: [{name: a, expect: {elapsed: soon}}]", "is not a length of time"),
    ("workflow: shop.pay\ncases: [{name: a}, {name: a}]", ":2:27: error: there are two cases named 'a'"),
    (
        "workflow: shop.pay\nmocks: {ship: {items: {x: {}}}}\ncases: [{name: a}]",
        "'items' must be a mapping of item numbers",
    ),
]


@pytest.mark.parametrize(("text", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_wrong_with_a_test_file_is_said_with_its_place(attune, text, message):
    ended = attune(text)
    assert ended.exit_code == 1
    assert message in ended.stderr, ended.stderr


def test_a_broken_workflow_is_reported_as_the_validator_does(attune, shop):
    write(shop / "workflows" / "broken.yaml", "tasks: [{name: a, action: shop.chrge}]\n")
    ended = attune("workflow: shop.broken\ncases: [{name: a}]")
    assert ended.exit_code == 1
    assert "broken.yaml:1:27: error: there is no action 'shop.chrge'" in ended.stderr


def test_junit_names_files_cases_and_failures(attune, tmp_path):
    file = tmp_path / "out" / "junit.xml"
    text = GOOD.replace("state: paid}\n          attempts", 'state: "<&\\u0001"}\n          attempts')
    assert attune(text, "--junit", file).exit_code == 1
    root = ElementTree.parse(file).getroot()  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    cases = root.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == ["paid and shipped", "paid at the third attempt", "never paid"]
    assert cases[0].get("classname") == "shop.pay" and cases[0].get("line") == "8"
    assert 'vars.state: expected "<&\\u0001", got "paid"' in (cases[0].find("failure").text or "")


def test_packs_are_found_here_and_no_tests_are_an_error(attune, shop):
    attune(GOOD)
    ended = CliRunner().invoke(app, ["test", "packs/shop", "--packs", "packs", "--packs", str(PACKS)])
    assert "3 passed" in ended.stdout
    (shop / "tests" / "pay.yaml").unlink()
    ended = CliRunner().invoke(app, ["test"])
    assert ended.exit_code == 2
    assert "there are no tests here" in ended.stderr


def test_actions_that_are_computed_here_do_what_the_real_ones_do():
    pack, clock = load_pack(PACKS / "core"), VirtualClock()
    inputs = {
        "core.echo": [{}, {"message": [1, None]}],
        "core.set": [{"values": {"a": 1}}, {}],
        "core.fail": [{}, {"message": "m", "type": "t", "retryable": True}],
    }
    assert set(inputs) == set(COMPUTED)
    attempts = [
        Attempt(
            execution_id="x",
            workflow="t.w",
            task="a",
            index=None,
            visit=1,
            number=1,
            action=pack.actions[ref],
            input=given,
        )
        for ref, rows in inputs.items()
        for given in rows
    ]
    for attempt in attempts:
        mine = MockRunner(clock, "t.w", mocks={}, real=False, real_runner=ActionRunner(PACKS))
        real = list(ActionRunner(PACKS).run([attempt], deadline=time.monotonic() + 60))
        assert list(mine.run([attempt], deadline=0)) == real


@pytest.mark.parametrize(
    ("expected", "actual", "differs"),
    [
        ({"a": 1}, {"a": 1.0, "b": 2}, False),
        ({"a": 1}, {"a": True}, True),
        ({"a": None}, {}, True),
        ([{"a": 1}], [{"a": 1, "b": 2}], False),
        ([1, 2], [2, 1], True),
        (0.3, 0.1 + 0.2, False),
        ("1", 1, True),
        ({}, None, True),
        (None, None, False),
        ({"a": 1}, ABSENT, True),
    ],
)
def test_mappings_are_compared_by_what_is_expected_and_all_else_exactly(expected, actual, differs):
    assert bool(list(compare(expected, actual, ""))) is differs
