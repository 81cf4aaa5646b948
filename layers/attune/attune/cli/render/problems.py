"""Findings of the validator, with the line they are about."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from attune.exceptions import Problem, Severity

_COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow"}


def problem_text(problem: Problem, lines: Sequence[str] = ()) -> Text:
    """``file:line:column: severity: message (hint) [code]``, and below it the line of ``lines`` with a caret."""
    text = Text(str(problem))
    text.highlight_words([f" {problem.severity}: "], style=_COLOURS[problem.severity])
    text.stylize("bold", 0, len(str(problem.location)))
    number = problem.location.line
    if number > len(lines):
        return text
    line = lines[number - 1].rstrip("\n")
    caret = "".join("\t" if character == "\t" else " " for character in line[: problem.location.column - 1])
    text.append(f"\n{number:>6} │ {line}\n{'':>6} │ ", style="dim")
    text.append(f"{caret}^", style=_COLOURS[problem.severity])
    return text


def summary(problems: Sequence[Problem]) -> Text:
    """``2 errors, 1 warning``, or that all is well."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    warnings = len(problems) - errors
    words = ", ".join(_count(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n)
    return Text(words or "no problems", style="red" if errors else "yellow" if warnings else "green")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
