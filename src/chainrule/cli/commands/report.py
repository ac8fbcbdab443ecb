"""``chainrule report``: the page of a study."""

from __future__ import annotations

from chainrule.cli.commands import app
from chainrule.cli.options import Out, Run, StudyNumber, format_examples
from chainrule.cli.output import check_output, echo_err, make_folder
from chainrule.cli.resolve import RUNS, resolve_any_result


@app.command(
    "report",
    short_help="Write the report, one HTML page.",
    epilog=format_examples("chainrule report pairs-depth -o report.html"),
)
def write_report(run: Run, output: Out = None, study: StudyNumber = None) -> None:
    """Write the report: one HTML page with every table and figure, which needs no network.

    Unless told it is runs/NAME.html.
    """
    from chainrule.report import write_datasets_page, write_page
    from chainrule.study import DatasetsResult

    check_output(output, run)
    result = resolve_any_result(run, study)
    name = result.name if isinstance(result, DatasetsResult) else result.study.name
    path = output or RUNS / f"{name}.html"
    make_folder(path.parent)
    if isinstance(result, DatasetsResult):
        write_datasets_page(result, path)
    else:
        write_page(result, path)
    echo_err(f"wrote {path}")
