"""What each key of the other kinds of files means, in the words that an editor shows beside it.

By the name of the model, then of the key; ``""`` describes the mapping as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attune.language.editor_schema import ABOUT

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
    "kv": "Values that kv.get finds, by key.",
    "secrets": "What kv.get_secret gives, by name.",
    "mocks": "What stands for actions: by a task's name, or by an action's (or workflow's) ref for all its calls.",
    "real": "Actions (by ref or task) that really run where nothing is mocked; true for all.",
}

KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "ActionModel": {
            "": "An action: what goes in, what comes out, and who runs it.",
            **ABOUT,
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
            **ABOUT,
            "ref": "Its name, which is the name of its folder.",
            "author": "Who has written it.",
            "keywords": "Words to find it by.",
            "enabled": "False: nothing in it is registered.",
            "config": "Its settings, described as parameters are. Values are in config.yaml.",
        },
        "RuleModel": {
            "": "A rule: what starts a workflow without anybody asking.",
            **ABOUT,
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
        "SensorModel": {
            "": "A sensor: an action that is asked again and again, and an event for each item that is new.",
            **ABOUT,
            "enabled": "False: it doesn't poll.",
            "schedule": "When to poll: rate(5 minutes) or cron(0 2 * * ? *).",
            "timezone": "The time zone of the schedule, such as Europe/Berlin.",
            "action": "Ref of the action or workflow that is asked.",
            "parameters": "What it is given; templates see cursor (null at first).",
            "items": "A template over result that gives the list of items.",
            "key": "A template over item: what tells it from others.",
            "cursor": "A template over result: what the next poll is given as cursor.",
            "event_type": "The detail-type of the events; their source is attune.sensor.",
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
