"""Large and odd values through the functions: they arrive, or what is too large is a clear error, never a trace."""

from __future__ import annotations

import json
import shutil
from random import Random
from string import ascii_letters

import pytest
from botocore.awsrequest import AWSResponse

from attune.adapters.aws.blobs import INLINE_LIMIT
from attune.adapters.aws.sqs import BATCH_BYTES
from attune.api.body import MAX_BODY
from attune.execution.queries import MOST_SHOWN
from attune.wiring import process, storage

PACK = {
    "pack.yaml": "ref: big\nlabel: Large values\n",
    "actions/give.yaml": "ref: big.give\nlabel: Give\nrunner_type: python\nentry_point: give.py:give\nparameters:\n"
    "  kind: {type: string, required: true}\n  size: {type: integer, default: 0}\n",
    "actions/measure.yaml": "ref: big.measure\nlabel: Measure\nrunner_type: python\nentry_point: give.py:measure\n"
    "parameters:\n  value: {}\n",
    "actions/give.py": """
import json
from attune.actions.errors import ActionError

def give(kind, size=0):
    if kind == "error":
        raise ActionError("m" * size, details={"d": "x" * size}, retryable=False)
    if kind == "log":
        for _ in range(size // 1000):
            print("y" * 999)
        return size
    return {
        "text": lambda: "x" * size, "emoji": lambda: "😀" * size, "nul": lambda: "a" + chr(0) + "b",
        "big int": lambda: 2**63, "huge int": lambda: 10**4000, "too many digits": lambda: 10**5000,
        "many digits": lambda: 0.1234567890123456, "tiny": lambda: 5e-324, "nan": lambda: float("nan"),
        "surrogate": lambda: chr(0xD800), "deep": lambda: json.loads("[" * 90 + "]" * 90),
        "too deep": lambda: json.loads("[" * 110 + "]" * 110), "empty key": lambda: {"": {"": []}},
        "list": lambda: list(range(size)),
    }[kind]()

def measure(value=None):
    return len(json.dumps(value))
""",
    "workflows/once.yaml": """
ref: big.once
label: One value, through everything that a value can go through
parameters: {kind: {type: string, required: true}, size: {type: integer, default: 0}}
vars: {kept: ""}
tasks:
  - name: give
    action: big.give
    input: {kind: "{{ parameters.kind }}", size: "{{ parameters.size }}"}
    publish: [{kept: "{{ result }}"}]
    on_success: measure
    on_failure: noop
  - name: measure
    action: big.measure
    input: {value: "{{ vars.kept }}"}
output_map: {value: "{{ vars.kept }}", size: "{{ task.measure.result }}", error: "{{ task.give.error }}"}
""",
    "workflows/doubled.yaml": """
ref: big.doubled
label: Two large values become one that is too large
parameters: {where: {type: string, required: true}}
vars: {kept: [], also: []}
tasks:
  - {name: one, action: big.give, input: {kind: text, size: 3000000}, on_success: two}
  - name: two
    action: core.noop
    next:
      - {when: "{{ parameters.where == 'input' }}", do: input}
      - {when: "{{ parameters.where == 'publish' }}", do: publish}
      - {when: "{{ parameters.where == 'items' }}", do: items}
  - {name: input, action: big.measure, input: {value: ["{{ task.one.result }}", "{{ task.one.result }}"]}}
  - {name: publish, action: core.noop, publish: [{kept: "{{ task.one.result }}"}, {also: "{{ task.one.result }}"}]}
  - name: items
    action: big.measure
    with_items: ["{{ task.one.result }}", "{{ task.one.result }}"]
    input: {value: 1}
""",
    "workflows/output.yaml": """
ref: big.output
label: An output that is too large
tasks:
  - {name: one, action: big.give, input: {kind: text, size: 3000000}}
output_map: {a: "{{ task.one.result }}", b: "{{ task.one.result }}"}
""",
    "workflows/parent.yaml": """
ref: big.parent
label: A large parameter and a large result of a sub-workflow
tasks:
  - {name: one, action: big.give, input: {kind: text, size: 3000000}, on_success: child}
  - {name: child, action: big.child, input: {value: "{{ task.one.result }}"}}
output_map: {size: "{{ task.child.result.value | length }}"}
""",
    "workflows/child.yaml": """
ref: big.child
label: Gives back what it got
parameters: {value: {type: string}}
tasks: [{name: nothing, action: core.noop}]
output_map: {value: "{{ parameters.value }}"}
""",
    "workflows/vars.yaml": """
ref: big.vars
label: Two megabytes of variables, changed by each task
vars: {text: "", turn: 0}
tasks:
  - name: one
    action: big.give
    input: {kind: text, size: 2000000}
    publish: [{text: "{{ result }}"}]
    on_success: again
  - name: again
    action: core.echo
    input: {message: "{{ vars.turn }}"}
    publish: [{turn: "{{ vars.turn + 1 }}"}]
    next: [{when: "{{ vars.turn < 5 }}", do: again}]
output_map: {turn: "{{ vars.turn }}", size: "{{ vars.text | length }}"}
""",
    "workflows/items.yaml": """
ref: big.items
label: Large items, side by side
parameters: {count: {type: integer, required: true}, size: {type: integer, required: true}}
tasks:
  - {name: one, action: big.give, input: {kind: text, size: "{{ parameters.size }}"}, on_success: each}
  - name: each
    action: big.measure
    with_items: "{{ [task.one.result] * parameters.count }}"
    input: {value: "{{ item }}"}
output_map: {sizes: "{{ task.each.result }}"}
""",
    "workflows/lists.yaml": """
ref: big.lists
label: Items with large results
parameters: {count: {type: integer, required: true}, size: {type: integer, required: true}}
tasks:
  - name: each
    action: big.give
    with_items: "{{ range(parameters.count) }}"
    input: {kind: list, size: "{{ parameters.size }}"}
output_map: {lists: "{{ task.each.result }}"}
""",
    "workflows/asks.yaml": """
ref: big.asks
label: Asks for much
tasks: [{name: ask, action: core.inquiry, input: {prompt: "How much?"}}]
output_map: {size: "{{ task.ask.result | length }}"}
""",
    "workflows/waits.yaml": """
ref: big.waits
label: Waits for an event of an unusual type
parameters: {type: {type: string, required: true}}
tasks: [{name: wait, action: core.wait_for_event, input: {event_type: "{{ parameters.type }}"}}]
output_map: {size: "{{ task.wait.result.detail.text | length }}"}
""",
}


@pytest.fixture(scope="session")
def packs_dir(tmp_path_factory):
    """Just what is needed here."""
    from tests.conftest import PROJECT

    base = tmp_path_factory.mktemp("packs")
    shutil.copytree(PROJECT / "packs" / "core", base / "core", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in PACK.items():
        path = base / "big" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return base


@pytest.fixture
def big(stack):
    """The functions, with just these packs registered."""
    return stack


def run(stack, ref, **parameters):
    execution = stack.start(ref, **parameters)
    stack.pump()
    return stack.execution(execution)


GO_THROUGH = [
    ("text", INLINE_LIMIT - 2, INLINE_LIMIT),
    ("text", INLINE_LIMIT, INLINE_LIMIT + 2),
    ("text", 400_000, 400_002),
    ("text", 1_900_000, 1_900_002),
    ("emoji", 100_000, 1_200_002),
    ("nul", 0, 10),
    ("big int", 0, 19),
    ("huge int", 0, 4001),
    ("many digits", 0, 18),
    ("tiny", 0, 6),
    ("deep", 0, 180),
    ("empty key", 0, 14),
    ("list", 100_000, 688_890),
    ("log", 5_000_000, 7),
]
REFUSED = [
    ("text", 55_000_000, "result_too_large"),
    ("emoji", 5_000_000, "result_too_large"),
    ("nan", 0, "result_not_json"),
    ("surrogate", 0, "result_not_json"),
    ("too deep", 0, "result_not_json"),
    ("too many digits", 0, "result_not_json"),
    ("error", 10_000_000, "ActionError"),
]


def test_a_large_or_odd_value_goes_through_results_variables_inputs_and_output(big):
    for kind, size, measured in GO_THROUGH:
        ended = run(big, "big.once", kind=kind, size=size)
        assert (ended["status"], ended["output"]["error"], ended["output"]["size"]) == ("completed", None, measured), (
            kind
        )
        assert len(json.dumps(ended["output"]["value"])) == measured


def test_what_no_result_can_be_is_the_tasks_own_error(big):
    for kind, size, type_ in REFUSED:
        ended = run(big, "big.once", kind=kind, size=size)
        assert (ended["status"], ended["output"]["error"]["type"]) == ("completed", type_), kind
        assert len(json.dumps(ended)) < 20_000


def test_an_output_that_is_too_large_to_be_shown_is_null_and_it_is_said_where_it_lies(big, clients):
    ended = run(big, "big.once", kind="text", size=3_000_000)
    assert (ended["status"], ended["output"]) == ("completed", None)
    found = clients.s3.get_object(Bucket="attune", Key=ended["stored"]["output"])["Body"].read()
    assert len(json.loads(found)["output"]["value"]) == 3_000_000 > MOST_SHOWN


def test_values_that_are_too_large_together_fail_the_task_that_puts_them_together(big, monkeypatch):
    monkeypatch.setattr("attune.expressions.values.MAX_BYTES", 5_000_000)
    for ref, parameters in (
        ("big.doubled", {"where": "input"}),
        ("big.doubled", {"where": "publish"}),
        ("big.doubled", {"where": "items"}),
        ("big.output", {}),
    ):
        ended = run(big, ref, **parameters)
        assert (ended["status"], ended["error"]["type"]) == ("failed", "template_error"), parameters
        assert "5,000,000" in ended["error"]["message"]


def test_sub_workflows_take_and_give_large_values_and_variables_change_with_every_task(big):
    assert run(big, "big.parent")["output"] == {"size": 3_000_000}
    assert run(big, "big.vars")["output"] == {"turn": 5, "size": 2_000_000}


def test_ten_large_messages_never_make_one_request_that_is_too_large(big):
    sent = []
    listen = lambda params, **_: sent.append(sum(len(e["MessageBody"]) for e in params["Entries"]))  # noqa: E731
    process.client("sqs").meta.events.register("before-parameter-build.sqs.SendMessageBatch", listen)
    for number, size in ((10, 1_000_000), (12, INLINE_LIMIT - 3), (25, INLINE_LIMIT // 2)):
        assert run(big, "big.items", count=number, size=size)["output"] == {"sizes": [size + 2] * number}
    assert max(sent) <= BATCH_BYTES


def test_a_large_answer_and_a_large_event_arrive(big):
    asked, waits = big.start("big.asks"), big.start("big.waits", type="t" * 5_000)
    big.pump()
    inquiry = big.api("GET", "/api/v1/inquiries")[1]["data"]["items"][0]["id"]
    answer = {"response": "é" * 300_000}
    assert big.api("POST", f"/api/v1/inquiries/{inquiry}/answer", answer | {"response": "é" * 600_000})[0] == 413
    assert big.api("POST", f"/api/v1/inquiries/{inquiry}/answer", raw=json.dumps(answer, ensure_ascii=False))[0] == 202
    event = {"id": "e", "source": "s", "detail-type": "t" * 5_000, "detail": {"text": "😀" * 250_000}}
    assert big.invoke("on_event", event) == {"started": {}}
    big.pump()
    assert [big.execution(e)["output"] for e in (asked, waits)] == [{"size": 300_000}, {"size": 250_000}]


BODIES = [
    ('{"parameters": {"kind": NaN}}', 400, "NaN is not a JSON number"),
    ('{"parameters": {"kind": 1e999}}', 400, "inf is not a JSON number"),
    ('{"parameters": {"kind": ' + "9" * 5000 + "}}", 400, "digits"),
    ('{"parameters": {"kind": ' + "[" * 200 + "]" * 200 + "}}", 400, "more than 100 levels"),
    ("[" * 100_000, 400, "more than 100 levels"),
    ('{"parameters": {"kind": "\ud800"}}', 202, ""),
    ('{"parameters": {"kind": "\\u0000"}}', 202, ""),
    ('{"idempotency_key": "' + "k" * 256 + '"}', 422, "not valid"),
    ('{"idempotency_key": "\\ud800"}', 422, "not valid"),
    ('{"parameters": {"kind": "' + "é" * (MAX_BODY // 2) + '"}}', 413, "bytes"),
]


def test_a_body_that_cannot_be_used_is_refused_in_our_words(big):
    for raw, status, words in BODIES:
        got, body = big.api("POST", "/api/v1/workflows/big.once/execute", raw=raw)
        assert (got, words in json.dumps(body)) == (status, True), (raw[:60], body)


def test_a_page_of_attempts_ends_where_an_answer_would_be_too_large_and_the_next_goes_on(big, monkeypatch):
    monkeypatch.setattr("attune.adapters.aws.dynamodb.directory.PAGE_BYTES", 100_000)
    execution = big.start("big.items", count=12, size=INLINE_LIMIT - 100)
    big.pump()
    rows, cursor, pages = [], "", 0
    while cursor is not None:
        status, body = big.api("GET", f"/api/v1/workflow-executions/{execution}/tasks?limit=200&cursor={cursor}")
        assert status == 200
        assert len(json.dumps(body)) < 130_000
        rows += [(row["task"], row["index"]) for row in body["data"]["items"]]
        cursor, pages = body["data"]["cursor"], pages + 1
    assert [row for row in rows if row[0] == "each"] == [("each", n) for n in range(12)]
    assert (pages, rows.count(("one", None))) == (4, 1)


def parked(stack, event):
    """What becomes of messages that cannot be folded: they die, and the execution is told."""
    failed = [failure["itemIdentifier"] for failure in stack.invoke("advance", event)["batchItemFailures"]]
    dead = [record for record in event["Records"] if record["messageId"] in failed]
    assert dead
    assert stack.invoke("on_dead", {"Records": dead}) == {"batchItemFailures": []}
    assert stack.invoke("advance", stack.messages()) == {"batchItemFailures": []}


def test_a_payload_that_somebody_has_deleted_parks_the_execution_with_the_reason(big, clients):
    execution = big.start("big.once", kind="text", size=400_000)
    big.invoke("advance", big.messages())
    big.invoke("run_task", big.tasks())
    for found in clients.s3.list_objects_v2(Bucket="attune")["Contents"]:
        clients.s3.delete_object(Bucket="attune", Key=found["Key"])
    parked(big, big.messages())
    shown = big.execution(execution)
    assert (shown["status"], shown["error"]["type"]) == ("paused", "poison_message")
    assert "is gone" in shown["error"]["message"]


def test_results_of_items_that_no_function_could_hold_park_the_execution_with_the_reason(big, monkeypatch):
    monkeypatch.setattr("attune.adapters.aws.blobs.MAX_PAYLOAD", 300_000)
    execution = big.start("big.lists", count=4, size=20_000)
    big.invoke("advance", big.messages())
    big.invoke("run_task", big.tasks())
    parked(big, big.messages())
    shown = big.execution(execution)
    assert (shown["status"], shown["error"]["type"]) == ("paused", "poison_message")
    assert "the results of the items of 'each' have more than" in shown["error"]["message"]


def test_an_answer_that_lambda_could_not_give_is_said_to_be_too_large(big, monkeypatch):
    monkeypatch.setattr("attune.api.body.MAX_ANSWER", 10_000)
    status, body = big.api("GET", "/api/v1/openapi.json")
    assert (status, body["code"]) == (413, "payload_too_large")
    assert "limit" in body["details"]["hint"]


def test_a_cursor_that_is_none_of_ours_is_refused_before_it_becomes_a_key(big):
    execution = big.start("big.asks")
    for path in ("/api/v1/inquiries", f"/api/v1/workflow-executions/{execution}/tasks"):
        for cursor in ("VEFTSyM", "VEFTSyNhIzEjMSMxIzE", "fn5_f39_", "!!", "é", "A" * 2_000):
            status, body = big.api("GET", f"{path}?cursor={cursor}")
            assert (status, body["code"]) == (400, "invalid_request"), cursor


def test_a_workflow_and_an_action_of_almost_a_megabyte_are_registered_and_run(big, packs_dir):
    words = ["".join(Random(n).choices(ascii_letters, k=900)) for n in range(900)]  # noqa: S311
    path, action = packs_dir / "big" / "workflows" / "wide.yaml", packs_dir / "big" / "actions" / "wordy.yaml"
    try:
        variables = "".join(f"  v{n}: {word}\n" for n, word in enumerate(words))
        path.write_text(f"ref: big.wide\nlabel: Wide\nvars:\n{variables}tasks:\n- {{name: a, action: core.noop}}\n")
        head = "ref: big.wordy\nlabel: Wordy\nrunner_type: python\nentry_point: give.py:measure\nparameters:\n"
        described = [f"  p{n}: {{type: string, description: {word}}}\n" for n, word in enumerate(words)]
        action.write_text(head + "".join(described))
        assert big.api("POST", "/api/v1/packs/big/workflows/sync")[1]["data"]["errors"] == []
        assert len(big.api("GET", "/api/v1/workflows/big.wide")[1]["data"]["source"]) > 800_000
        assert len(storage.catalog().action("big.wordy").parameters["properties"]) == 900
        assert run(big, "big.wide")["status"] == "completed"
    finally:
        path.unlink()
        action.unlink()


THROTTLED = {
    "dynamodb": (
        400,
        b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException", "message": "slow"}',
    ),
    "sqs": (400, b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow"}'),
    "s3": (503, b"<Error><Code>SlowDown</Code><Message>slow</Message></Error>"),
}


class _Raw:
    def __init__(self, body):
        self._body = body

    def stream(self, **_):
        yield self._body


@pytest.mark.parametrize("every", [2, 4])
def test_an_execution_ends_right_though_so_many_calls_are_throttled(big, monkeypatch, every):
    execution = big.start("big.items", count=12, size=INLINE_LIMIT + 10)
    chance, refused = Random(every), []  # noqa: S311

    def throttle(request, **_):
        if chance.random() > 1 / every:
            return None
        service = next(name for name in THROTTLED if f"//{name}." in request.url or f".{name}." in request.url)
        refused.append(service)
        status, body = THROTTLED[service]
        return AWSResponse(request.url, status, {}, _Raw(body))

    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for service in THROTTLED:
        process.client(service).meta.events.register_first("before-send.*", throttle)
    for _ in range(200):
        moved = [
            redeliver(big, name, receive) for name, receive in (("advance", big.messages), ("run_task", big.tasks))
        ]
        if not any(moved):
            break
    for service in THROTTLED:
        process.client(service).meta.events.unregister("before-send.*", throttle)
    ended = big.execution(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"sizes": [INLINE_LIMIT + 12] * 12})
    assert set(refused) == set(THROTTLED)


def redeliver(stack, name, receive):
    """Deliver a batch until nothing of it comes back, as SQS does (here at most ten times)."""
    try:
        event = receive()
    except Exception:
        return True
    if event is None:
        return False
    for _ in range(10):
        failed = {failure["itemIdentifier"] for failure in stack.invoke(name, event)["batchItemFailures"]}
        event = {"Records": [record for record in event["Records"] if record["messageId"] in failed]}
        if not event["Records"]:
            return True
    raise AssertionError(f"{name} gave up")
