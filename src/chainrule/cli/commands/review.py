"""``chainrule review``: what is wrong with a study, as far as its results show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import Format, Json, Run, StudyNumber, TableFormat, format_examples
from chainrule.cli.output import echo_err, echo_json, echo_table, wrap_text
from chainrule.cli.resolve import resolve_any_result

if TYPE_CHECKING:
    from chainrule.study import Finding, Review, StudyResult

Codes = Annotated[
    list[str] | None,
    typer.Option(metavar="CODES", help="These rules alone, as R001,R005; may be said again."),
]
IgnoredCodes = Annotated[
    list[str] | None,
    typer.Option(metavar="CODES", help="Without these rules, as R009; may be said again."),
]
STYLES = {"error": "bold red", "warning": "yellow"}


@app.command(
    "review",
    short_help="Say what is wrong with a study.",
    epilog=format_examples(
        "chainrule review pairs-depth",
        "chainrule review pairs-depth --ignore R009,R002",
        "chainrule review runs/pairs-depth.sqlite --format json",
    ),
)
def review_run(
    run: Run,
    select: Codes = None,
    ignore: IgnoredCodes = None,
    form: TableFormat = "text",
    as_json: Json = False,
    study: StudyNumber = None,
) -> None:
    """Say what is wrong with a study, as far as its results show it, and what to do.

    Each finding has the code of a rule; the page "What a review looks for" has them all. Exit code
    1 where a finding is an error (what the study seems to say does not follow), 0 where there are
    warnings or nothing.
    """
    from chainrule.study import DatasetsResult, review

    result = resolve_any_result(run, study)
    several = isinstance(result, DatasetsResult)
    results = [*result.datasets.values()] if isinstance(result, DatasetsResult) else [result]
    codes = {"select": split_codes(select), "ignore": split_codes(ignore)}
    reviews = [review(one, **codes) for one in results]
    if as_json or form == "json":
        found = [one.as_dict() for one in reviews]
        echo_json({"study": run, "datasets": found} if several else found[0])
    for one, of in zip(reviews, results, strict=True):
        if several and form == "text" and not as_json and one.findings:
            typer.echo(f"{one.study}:")
        print_review(one, of, "json" if as_json else form)
    if any(one.has_errors for one in reviews):
        raise typer.Exit(1)


def print_review(found: Review, result: StudyResult, form: Format) -> None:
    """What was found of one study, and on stderr how far it is and how much that was."""
    from chainrule.report import findings_table, progress_sentence

    if not result.is_complete:
        echo_err(progress_sentence(result))
    if form == "text":
        print_findings(found)
    elif form != "json":
        echo_table(findings_table(found), form)
    for code, why in found.skipped.items():
        echo_err(f"{code} could not look: {why}")
    echo_err(count_findings(found))


def split_codes(given: list[str] | None) -> list[str]:
    """The codes of ``R001,R002`` and more of its kind."""
    return [code.strip() for text in given or [] for code in text.split(",") if code.strip()]


def print_findings(found: Review) -> None:
    """What was found by rule, with what to do below it."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    for (code, severity, title), findings in groupby(found.findings, key=finding_head):
        console.print(Text.assemble((f"{code} {severity}", STYLES[severity]), f"  {title}"))
        for advice, same in group_findings(attrgetter("advice"), findings).items():
            for line in finding_lines(same, advice):
                console.print(Text(line), soft_wrap=True)


def group_findings(
    key: Callable[[Finding], str], findings: Iterable[Finding]
) -> dict[str, list[Finding]]:
    """The findings that share what ``key`` says of them, in the order of the first of each."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(key(finding), []).append(finding)
    return found


def finding_head(finding: Finding) -> tuple[str, str, str]:
    """What findings of one rule share."""
    return finding.code, finding.severity, finding.title


def finding_lines(findings: list[Finding], advice: str) -> list[str]:
    """``narrow, wide: the best …`` each, then what to do."""
    said = []
    for message, same in group_findings(attrgetter("message"), findings).items():
        arms = ", ".join(finding.arm for finding in same if finding.arm is not None)
        said.append(f"{arms}: {message}." if arms else f"{message}.")
    return [wrap_text(text) for text in (*said, f"→ {advice}")]


def count_findings(found: Review) -> str:
    """``3 findings: 1 error, 2 warnings``; or that there are none."""
    if not found.findings:
        return f"{found.study}: no findings"
    counts = []
    for severity in STYLES:
        n = sum(finding.severity == severity for finding in found.findings)
        counts += [count_noun(n, severity)] if n else []
    return f"{found.study}: {count_noun(len(found.findings), 'finding')}: {', '.join(counts)}"
