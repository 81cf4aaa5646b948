"""What each key of a workflow means, in the words that an editor shows beside it.

By the name of the model, then of the key; ``""`` describes the mapping as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attune.language.editor_schema import ABOUT

KEYS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "WorkflowModel": {
            "": "A workflow: tasks and what follows what.",
            **ABOUT,
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
    }
)
