"""What each key of each kind of file means, in the words that an editor shows beside it.

By the name of the model, then of the key; ``""`` describes the mapping as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_ABOUT: Final[Mapping[str, str]] = {
    "ref": "Its name: pack.name. Without one: the pack's and the file's.",
    "label": "A short name for people.",
    "description": "What it is for.",
    "tags": "Words to find it by.",
    "version": "Its version, as text.",
}
_MOCKED: Final[Mapping[str, str]] = {
    "result": "What the action returns.",
    "error": "The action fails with this instead.",
    "takes": "How long it takes, in virtual time. Beyond the attempt's timeout it times out.",
}
_ATTEMPTS: Final[Mapping[str, str]] = {
    **_MOCKED,
    "attempts": "An answer for each time it is tried; the last one stays.",
}
_TESTED: Final[Mapping[str, str]] = {
    "description": "What is tested here.",
    "workflow": "Ref of the workflow that is tested.",
    "action": "Ref of an action that is tested by itself and for real, in a workflow of one task named 'action'.",
    "parameters": "What the execution is started with.",
    "mocks": "What stands for actions: by a task's name, or by an action's (or workflow's) ref for all its calls.",
    "real": "Actions (by ref or task) that really run where nothing is mocked; true for all.",
}

KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "WorkflowModel": {
            "": "A workflow: tasks and what follows what.",
            **_ABOUT,
            "parameters": "What it is started with: names with JSON Schemas (and required, secret), or a JSON Schema.",
            "output": "What it returns: fields as in parameters, or a JSON Schema. Checked when it completes.",
            "vars": "Variables. Each is a template over the parameters and the variables above it.",
            "tasks": "Its tasks. Those that no other task leads to begin.",
            "output_map": "What it returns: templates, rendered when it ends, whatever its status.",
            "enabled": "False: it cannot be started.",
            "timeout": "How long an execution may take: seconds, or 90s, 5m, 24h.",
            "retry": "How its tasks are tried again unless they say otherwise.",
            "concurrency": "How many items of a with_items run at once unless the task says otherwise.",
            "fail_fast": "After an unhandled failure start nothing new and cancel what runs.",
            "max_visits": "How often each of its tasks may run in one execution.",
        },
        "TaskModel": {
            "": "A task: what to do, when, and what follows.",
            "name": "Its name in templates (task.<name>) and targets.",
            "type": "action (also for workflows), workflow, parallel (tasks side by side) or loop (tasks in rounds).",
            "action": "Ref of the action or workflow to run, or a template that gives one.",
            "workflow": "Ref of the workflow that a task of type workflow starts.",
            "input": "What the action is given; templates are rendered.",
            "when": "A condition. If it is false the task is skipped, and only on_skip follows.",
            "with_items": "A list, a mapping or a template that gives one: the task runs once for each item.",
            "batch_size": "So many items are handed over at once; item is then a list.",
            "concurrency": "How many items run at the same time.",
            "tolerate_failures": "How many items may fail: a number or a share like '10%'.",
            "retry": "How what failed is tried again, each item by itself.",
            "timeout": "How long an attempt may take: seconds, or 90s, 5m, 24h.",
            "publish": "Variables to set when it has completed: names and templates, or a name for the whole result.",
            "publish_on_failure": "Variables to set when it has failed.",
            "on_success": "What follows when it has completed.",
            "on_failure": "What follows when it has failed or timed out; that handles the failure.",
            "on_timeout": "What follows when it has timed out, in place of on_failure.",
            "on_complete": "What follows when it has ended, failed or not; that handles a failure.",
            "on_skip": "What follows when it was skipped.",
            "decision": "Branches, of which the first that holds follows, in place of on_success.",
            "next": "Transitions in their general form; all that hold fire.",
            "join": "With several tasks before it: all, a number, or each (once per arrival). Default: once per round.",
            "max_visits": "How often it may run in one execution.",
            "tasks": "The tasks of a parallel or loop.",
            "while": "A loop goes on as long as this holds; looked at before each round.",
            "until": "A loop goes on until this holds; looked at after each round.",
            "max_iterations": "Rounds of a loop at most; one more fails it.",
        },
        "RetryModel": {
            "": "How often, and after which delays, what failed is tried again.",
            "count": "Further attempts after the first.",
            "delay": "Before the second attempt: seconds, or 90s, 5m.",
            "backoff": "How the delay grows.",
            "max_delay": "The longest delay.",
            "jitter": "Vary the delays by chance, so that many do not come back at once.",
            "on_error": "A condition over error; where it does not hold there is no further attempt.",
        },
        "BranchModel": {
            "": "A branch: when and next, or default.",
            "when": "A condition over result.",
            "next": "What follows.",
            "default": "What follows where no branch holds: a task, or true beside next.",
        },
        "NextModel": {
            "": "A transition.",
            "when": "A condition: succeeded(), failed(), timed_out(), completed(), result …",
            "publish": "Variables to set if it fires.",
            "do": "What follows.",
        },
        "ActionModel": {
            "": "An action: what goes in, what comes out, and who runs it.",
            **_ABOUT,
            "runner_type": "Who runs it.",
            "entry_point": "What is run: file.py:function, METHOD url, a Lambda function, or a workflow's ref.",
            "parameters": "What it is given: names with JSON Schemas (and required, secret), or a JSON Schema.",
            "output_schema": "What it returns, as a JSON Schema.",
            "idempotent": "False: it must not run twice, also if a worker died half-way.",
            "timeout": "How long an attempt may take unless the task says otherwise.",
            "enabled": "False: it is not there.",
        },
        "PackModel": {
            "": "A pack: actions, workflows, rules and tests that belong together.",
            **_ABOUT,
            "ref": "Its name, which is the name of its folder.",
            "author": "Who has written it.",
            "keywords": "Words to find it by.",
            "enabled": "False: nothing in it is registered.",
            "config": "Its settings, described as parameters are. Values are in config.yaml.",
        },
        "RuleModel": {
            "": "A rule: what starts a workflow without anybody asking.",
            **_ABOUT,
            "enabled": "False: it starts nothing.",
            "trigger": "On what it applies.",
            "criteria": "A condition over event; where it does not hold nothing starts.",
            "action": "Ref of the workflow to start.",
            "parameters": "What the workflow is given; templates see event.",
        },
        "TriggerModel": {
            "": "An event, or the clock.",
            "type": "event or schedule.",
            "pattern": "An EventBridge pattern: lists of alternatives at the leaves.",
            "schedule": "rate(5 minutes), cron(0 2 * * ? *) or at(2030-01-31T08:00:00).",
            "timezone": "The time zone of a schedule, such as Europe/Berlin.",
        },
        "SuiteModel": {
            "": "Tests of workflows, run by attune test. What stands outside of cases is the default for them.",
            **_TESTED,
            "cases": "The tests.",
        },
        "CaseModel": {
            "": "One run of a workflow or action, and what is expected of it.",
            "name": "What should happen, in a few words.",
            **_TESTED,
            "timeline": "What is done to the execution from outside, and when.",
            "expect": "What should have become of it. Without a status: completed, or failed if there is an error.",
        },
        "ErrorModel": {
            "": "An action's error.",
            "type": "error.type",
            "message": "error.message",
            "retryable": "Whether the task's retry applies.",
            "details": "error.details",
        },
        "AnswerModel": {"": "What one attempt returns or fails with.", **_MOCKED},
        "ItemModel": {"": "What stands for the action of one item.", **_ATTEMPTS},
        "MockModel": {
            "": "What stands for an action.",
            **_ATTEMPTS,
            "items": "Other answers for single items of a with_items, by their number from 0.",
        },
        "MomentModel": {
            "": "Something done from outside at a virtual time.",
            "at": "When, after the start: seconds, or 90s, 5m, 24h.",
            "cancel": "Cancel the execution; true or a reason.",
            "pause": "Pause it; true or a reason.",
            "resume": "Let it go on.",
            "answer": "Answer an inquiry.",
            "event": "Put an event on the bus, for tasks that wait for it.",
        },
        "EventModel": {
            "": "An event on the bus.",
            "detail-type": "What happened.",
            "source": "Who says so.",
            "detail": "What there is to know about it.",
        },
        "AnswerInquiryModel": {
            "": "An answer to an inquiry.",
            "task": "The task that asks.",
            "response": "The answer.",
            "by": "Who gives it.",
        },
        "ExpectModel": {
            "": "What should have become of the execution.",
            "status": "How it stands when nothing is left to happen.",
            "output": "Its output. Of mappings only the names written here count; lists and values must be equal.",
            "error": "Its error; of the message a part is enough.",
            "tasks": "The tasks that ran, in the order in which they began.",
            "ran": "Tasks that must have run.",
            "not_ran": "Tasks that must not have run.",
            "inputs": "What tasks were given: a mapping for the last attempt, or a list of all attempts.",
            "vars": "Variables as they were at the end.",
            "attempts": "How many attempts tasks had, items and visits counted together.",
            "elapsed": "Virtual time from start to end, within a second; or {min, max}.",
        },
        "ExpectedErrorModel": {
            "": "An error as it should be.",
            "type": "error.type",
            "message": "A part of error.message.",
            "retryable": "error.retryable",
            "details": "Names in error.details.",
        },
        "ElapsedModel": {"": "Bounds of a length of time.", "min": "At least.", "max": "At most."},
    }
)
