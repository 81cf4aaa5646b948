"""What ``attune new`` writes: small files that pass ``attune validate`` and ``attune test`` as they are.

Names in ``$`` are filled in: ``$pack``, ``$name``, ``$title`` (the name in words) and what the single templates name.
"""

from __future__ import annotations

from string import Template
from typing import Final

PACK: Final = Template("""\
ref: $pack
label: $title
description: What this pack is for.
version: 0.1.0
config:
  greeting: {type: string, default: hello, description: What its greetings begin with.}
""")

ACTION: Final = Template("""\
ref: $pack.$name
label: $title
description: What it does, and what its result is.
runner_type: python
entry_point: $name.py:run
parameters:
  who: {type: string, default: world, minLength: 1, description: Whom to greet.}
output_schema:
  type: object
  required: [message]
  properties:
    message: {type: string}
timeout: 30s
""")

ACTION_CODE: Final = Template('''\
"""$title."""


def run(who, context):
    """``{message}``. Arguments have the names of the parameters; what is returned must be JSON."""
    greeting = context.pack_config.get("greeting", "hello")
    context.logger.info("greeting %s, attempt %d", who, context.attempt)
    return {"message": f"{greeting}, {who}"}
''')

ACTION_TEST: Final = Template("""\
description: The action $pack.$name by itself, for real.
action: $pack.$name
cases:
  - name: it greets whom it is told to
    parameters: {who: Ada}
    expect:
      output: {message: "hello, Ada"}

  - name: it needs somebody to greet
    parameters: {who: ""}
    expect:
      error: {type: invalid_input}
""")

WORKFLOW: Final = Template("""\
ref: $pack.$name
label: $title
description: What it does.
version: "0.1.0"

parameters:
  who: {type: string, default: world, description: Whom to greet.}

vars:
  problem: ""

tasks:
  - name: prepare
    action: $action
    input: {$input: "{{ parameters.who }}"}
    retry: {count: 2, delay: 5, backoff: exponential}
    publish_on_failure:
      - problem: "{{ error.message }}"
    on_success: finish
    on_failure: tell

  - name: finish
    action: $action
    input: {$input: "{{ task.prepare.result.message }}, again"}

  - name: tell # say what went wrong, and end failed
    action: $action
    input: {$input: "it did not work: {{ vars.problem }}"}
    on_complete: fail

output_map:
  message: "{{ task.finish.result.message }}"
""")

WORKFLOW_TEST: Final = Template("""\
description: The workflow $pack.$name with its action mocked.
workflow: $pack.$name

mocks:
  prepare: {result: {message: hello Ada}}
  finish: {result: {message: hello Ada again}}
  tell: {result: {message: told}}

cases:
  - name: one task follows the other
    parameters: {who: Ada}
    expect:
      output: {message: hello Ada again}
      tasks: [prepare, finish]
      inputs:
        prepare: {$input: Ada}
        finish: {$input: "hello Ada, again"}

  - name: a failure is mended by a retry
    mocks:
      prepare:
        attempts:
          - error: {type: busy, message: try again}
          - result: {message: hello}
    expect:
      attempts: {prepare: 2}
      elapsed: 5

  - name: what stays broken is told
    mocks:
      prepare: {error: {type: broken, message: no luck, retryable: false}}
    expect:
      status: failed
      tasks: [prepare, tell]
      inputs:
        tell: {$input: "it did not work: no luck"}
""")

RULE: Final = Template("""\
ref: $pack.$name
label: $title
description: Starts $workflow every night. Enable it when that is wanted.
enabled: false
trigger:
  type: schedule
  schedule: "cron(0 2 * * ? *)"
  timezone: UTC
action: $workflow
$parameters""")
