"""The sans-IO core: messages are folded into a state, and the fold says what to write and what to send. Pure.

**Rules.**

1. A fold is a function of the graph, the state, the messages, the time and the facts. The same of each gives the same
   state, writes and effects. So a fold may be done again after a crash.
2. Each message is folded in two steps. Its handler (:mod:`advance`) changes what the message is about: an attempt ends,
   a pause begins. Then :mod:`settle` starts whatever can start now, until nothing more can.
3. A fold never reads. What it knows beyond the state are :mod:`facts`. It stops with ``MissingFacts`` when it comes
   upon one that it was not given; whoever called it fetches that and folds again from the beginning.
4. A fold changes a copy of the :mod:`state`. Until the copy is saved, nothing has happened.
5. *Writes* are done before the save, under names to which only the saved state points. *Effects* are sent after it. The
   saved state carries a reference to each (:mod:`outbox`), for whoever comes after one who died before sending.
6. Every message has an id that follows from what it is about (:mod:`ids`), so an effect may be sent twice.
7. Tasks are numbers, and sets of tasks are bit sets. What a message costs does not grow with the graph.

**An example.** A workflow of two tasks::

    tasks:
      - {name: a, action: t.do, on_success: b}
      - {name: b, action: t.do, input: {n: "{{ task.a.result.n }}"}}

``Start``
    The handler sets the status to running and fires the entry point: ``fired = {0: {0: 1}}``. Settle begins the first
    visit of ``a`` and asks for ``RunTask(a#1#-#1)``. Saved: ``active = {(0, 1): …}``, ``outbox = [["r", 0, 1, 1]]``.
``TaskEnded(a#1#-#1, completed, {"n": 1})``
    The handler closes the visit (``codes = ["c", "."]``) and fires ``b``: ``fired = {1: {0: 1}}``. The result rode
    along in the message, so the record of ``a`` is a fact of this fold. Settle begins ``b``, renders its input with it,
    and asks for ``RunTask(b#1#-#1)``. Had the result been too large to ride along, the fold would have stopped with
    ``MissingFacts({RecordFact(a#1#-#1)})``.
``TaskEnded(b#1#-#1, completed, {})``
    The handler closes the visit, and nothing is left to begin. Settle ends the execution: it writes the output and asks
    for an announcement on the bus.

The test of this example is ``tests/unit/engine/test_theory.py``, as of those in settle, retry_plan and outbox.
"""
