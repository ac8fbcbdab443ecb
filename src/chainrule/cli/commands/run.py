"""``chainrule run``: train what is missing of a study."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from chainrule._util.processes import available_cpus, preload_workers
from chainrule._util.words import count_noun
from chainrule.cli.commands import app
from chainrule.cli.options import (
    Arms,
    Compile,
    Csv,
    CsvTarget,
    DataArguments,
    Decimal,
    Encoding,
    EngineName,
    Epochs,
    Ignore,
    Jobs,
    Json,
    Na,
    Quick,
    Rounds,
    Share,
    Study,
    Task,
    format_examples,
    table_options,
)
from chainrule.cli.output import echo_err, echo_json, echo_table, make_folder
from chainrule.cli.resolve import RUNS, name_run, resolve_study, split_study, try_arms
from chainrule.cli.user_config import choose_engine, open_named_engine

if TYPE_CHECKING:
    from chainrule import study as studies
    from chainrule.study import DatasetsResult, StudyResult
    from chainrule.study.execution.executors import Engine
    from chainrule.study.shares.share import RunStage


StoreOption = Annotated[
    str | None,
    typer.Option(metavar="PATH_OR_URL", help="Where rows go; default: runs/NAME.sqlite."),
]
CohortSize = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Most trainings in a cohort.")
]
Extend = Annotated[
    bool, typer.Option("--extend", help="Go on with a study of fewer rounds or arms.")
]
MixBackends = Annotated[
    bool,
    typer.Option("--mix-backends", help="Go on with arms that were computed another way so far."),
]
NetsFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder to save the final nets in.")
]
Keep = Annotated[
    Literal["predictions"] | None,
    typer.Option(help="Keep what each net says of each sample it is judged on, in the store."),
]
Stage = Annotated[
    Literal["search", "final"] | None,
    typer.Option(help="The search alone, or the final trainings alone, when the search is over."),
]
Timing = Annotated[
    bool | None,
    typer.Option(
        "--time/--no-time",
        help="Train each arm once more alone, for its time; default: as the study declares.",
        show_default=False,
    ),
]


@app.command(
    "run",
    short_help="Train what is missing of a study.",
    epilog=format_examples(
        "chainrule run pairs-depth --quick",
        "chainrule run study.toml --arms 'mlp*' --rounds 10 --jobs 8",
        "chainrule run study.toml --rounds 30 --extend",
        "chainrule run study.toml --share 3/8",
        "chainrule run digits --data root=/data/mnist",
        "chainrule run study.toml --engine dask://node1:8786",
        "chainrule run prices --csv houses.csv --target price",
        "chainrule run prices --csv flowers.csv --target species --ignore id --na -",
    ),
)
def run_study(
    name: Study,
    arms: Arms = "*",
    rounds: Rounds = None,
    epochs: Epochs = None,
    quick: Quick = False,
    store: StoreOption = None,
    jobs: Jobs = None,
    engine: EngineName = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Root seed of all draws.")] = None,
    device: Annotated[str | None, typer.Option(metavar="D", help="Such as cpu, cuda.")] = None,
    cohort_size: CohortSize = None,
    extend: Extend = False,
    compiled: Compile = None,
    mix_backends: MixBackends = False,
    nets: NetsFolder = None,
    keep: Keep = None,
    timing: Timing = None,
    share: Share = None,
    stage: Stage = None,
    data: DataArguments = None,
    csv: Csv = None,
    target: CsvTarget = None,
    task: Task = None,
    na: Na = None,
    decimal: Decimal = None,
    encoding: Encoding = None,
    ignore: Ignore = None,
    as_json: Json = False,
) -> None:
    """Train what is missing of a study, and print its table: the test metric, mean ± std.

    What is done is kept at once. Ctrl-C ends the run, and the same command goes on from there;
    when all is done it prints the table again.
    """
    jobs, engine = jobs or available_cpus(), choose_engine(engine)
    prepare_process(jobs if engine == "processes" else 1)
    changes: dict[str, Any] = {"rounds": rounds, "epochs": epochs, "seed": seed, "device": device}
    changes |= {"cohort_size": cohort_size, "keep": keep, "compile": compiled, "timing": timing}
    table = table_options(na=na, decimal=decimal, encoding=encoding, ignore=ignore, task=task)
    study = resolve_study(
        name, quick=quick, data=data, csv=csv, target=target, table=table, **changes
    )
    where = store or str(RUNS / f"{study.name}{label_share(share)}.sqlite")
    options = {"arms": arms, "jobs": jobs, "extend": extend, "nets": nets}
    options |= {"share": share, "stage": stage, "mix_backends": mix_backends}
    with open_workers(engine, jobs) as workers:
        done = train_missing(study, where, name, workers, **options)
    report_end(*done, study, where, options, as_json=as_json)


def label_share(share: str | None) -> str:
    """``.3-of-8`` in the name of a share's store. Raises StudyError for what is no share."""
    if share is None:
        return ""
    from chainrule.study.shares.share import Share as Part

    return f".{Part.parse(share).label}"


def prepare_process(jobs: int) -> None:
    """What is best done before anything is imported or trained."""
    if jobs > 1:
        preload_workers("chainrule.study.execution.runner")
    from chainrule._util.malloc import disable_malloc_trim

    disable_malloc_trim()  # with one job, training is done here


@contextmanager
def open_workers(engine: str, jobs: int) -> Iterator[Engine]:
    """What tries the arms, and then trains."""
    from chainrule.study.execution.executors import use_engine

    with open_named_engine(engine, jobs) as named, use_engine(named, jobs) as workers:
        yield workers


def train_missing(
    study: studies.Study, where: str, name: str, workers: Engine, **options: Any
) -> tuple[StudyResult | DatasetsResult, bool]:
    """Try the arms, and run the study into a store; its result, and whether there was anything left
    to train.

    ``name``: what the study was asked for by; ``options`` are those of ``study.run``.
    """
    from chainrule.cli.live import choose_display  # first, so that nothing is slow after Ctrl-C
    from chainrule.study import run, run_datasets

    prepare_store(where, study, options["arms"], name, workers)
    if options["nets"] is not None:
        make_folder(options["nets"], " for the nets", "--nets")
    run_study = run_datasets if study.datasets else run
    with choose_display(study) as display:
        result: StudyResult | DatasetsResult = run_study(
            study, store=where, on_progress=display.watch, executor=workers, **options
        )
    return result, display.has_trained


def prepare_store(where: str, study: studies.Study, arms: str, name: str, workers: Engine) -> None:
    """Make the store's folder, and before anything is entered there see that the arms can be run.

    On the CPU where the device is one that other machines' ``workers`` have, and not this one. Says
    what is declared, and if the store has another study of this name.
    """
    from chainrule.study.execution.backends import settle_backend
    from chainrule.study.execution.resume import find_changes, read_records
    from chainrule.study.round_data import has_device

    study.select(arms)  # say what is wrong before a store is made
    if "://" not in where:
        make_folder(Path(where).parent, " for the store", "--store")
    announce_declaration(study)
    records = read_records(where)
    for part in split_study(study):
        if any(record.digest == part.digest for record in records):
            continue
        if changes := find_changes(records, part):
            echo_err(f"{where} has {part.name} as it was declared before ({', '.join(changes)})")
        part, _ = settle_backend(part)
        if workers.is_remote and not has_device(part.device):
            part = part.model_copy(update={"device": "cpu"})
        try_arms(part, arms, name, None if workers.is_remote else workers)


def announce_declaration(study: studies.Study) -> None:
    """Print a digest of all that is declared, for who registers it before the results are known."""
    from chainrule.study.spec.digests import digest_declaration
    from chainrule.study.spec.own_files.own_code import pin_sources

    baseline = study.baseline or "none, all pairs"
    rope = "not declared" if study.rope is None else f"{study.rope:g}"
    declared = f"{', '.join(map(str, study.looks))} rounds; baseline: {baseline}; rope: {rope}"
    echo_err(f"{study.name}: {declared}; declaration {digest_declaration(pin_sources(study))}")


def print_result(result: StudyResult | DatasetsResult, *, as_json: bool) -> None:
    """The table of the arms, or their rows."""
    if as_json:
        echo_json(result.as_rows())
    elif result.arms:
        from chainrule.report import datasets_table, results_table
        from chainrule.study import StudyResult

        if isinstance(result, StudyResult):
            echo_table(results_table(result))
        else:
            echo_table(datasets_table(result))


def report_end(
    result: StudyResult | DatasetsResult,
    has_trained: bool,
    study: studies.Study,
    where: str,
    options: Mapping[str, Any],
    *,
    as_json: bool,
) -> None:
    """Print the result, how it ended, and what failed; exit code 130 for Ctrl-C, 1 for failures."""
    print_result(result, as_json=as_json)
    report_ending(result, study, where, options, has_trained=has_trained)
    report_failures(result, {arm.name for arm in study.select(options["arms"])})


def report_ending(
    result: StudyResult | DatasetsResult,
    study: studies.Study,
    where: str,
    options: Mapping[str, Any],
    *,
    has_trained: bool,
) -> None:
    """Say how it ended, where all is, and what one may do next; exit code 130 for Ctrl-C."""
    from chainrule.report import datasets_progress, progress_sentence
    from chainrule.study import StudyResult

    if result.interrupted:
        command = shlex.join(["chainrule", *sys.argv[1:]])
        kept = f"what was done is kept in {where}" if result.rows else "nothing was done yet"
        echo_err(f"interrupted: {kept}; go on with:\n  {command}")
        raise typer.Exit(130)
    if result.study.keep is not None:
        report_kept(result)
    if options["share"] is not None:
        report_share(result, study, where, options["share"], options["stage"])
        return
    nothing_left = "" if has_trained else "; nothing was left to train"
    if isinstance(result, StudyResult):
        progress = progress_sentence(result)
    else:
        progress = datasets_progress(result)
    echo_err(f"{progress} Kept in {where}{nothing_left}.")
    if result.arms:
        run = name_run(where, study)
        commands = ["compare", "report"] if is_comparable(result) else ["show", "report"]
        echo_err(f"Next: {'; '.join(f'chainrule {command} {run}' for command in commands)}")


def report_share(
    result: StudyResult | DatasetsResult,
    study: studies.Study,
    where: str,
    share: str,
    stage: RunStage | None,
) -> None:
    """Say whether all of a share's stage is there, and how the shares become one."""
    from chainrule.study.shares.missing import count_share
    from chainrule.study.shares.share import Share as Part

    part = Part.parse(share)
    results = list_results(result)
    counts = [count_share(of, part, stage) for of in results]
    done, left = (sum(column) for column in zip(*counts, strict=True))
    all_stores = where.replace(part.label, f"*-of-{part.count}")
    stores = all_stores if all_stores != where else "STORE …"
    joined = str(RUNS / f"{study.name}.sqlite")
    name = f"Share {part}" if stage is None else f"Share {part}, stage {stage},"
    if not done + left:
        echo_err(f"{name} has nothing to train: there are fewer trainings than shares.")
    elif not left:
        echo_err(f"{name} is done: {count_noun(done, 'training')}, kept in {where}.")
    else:
        echo_err(
            f"{name} is not done: {count_noun(done, 'training')} kept in {where}, {left:,} "
            "not trained yet."
        )
    echo_err(f"Next, when all shares are run: chainrule merge {stores} -o {joined}")
    has_finals = stage == "search" or left
    if has_finals and any(of.study.space and not of.study.searches_each_round for of in results):
        echo_err(
            "One search decides on all final trainings. When all shares of it are merged, go on "
            f"with:\n  chainrule merge {joined} -o {where}\n  {name_final_command(sys.argv[1:])}"
        )


def name_final_command(arguments: Sequence[str]) -> str:
    """What was called, with the final trainings in the place of their search."""
    called = shlex.join(["chainrule", *arguments])
    return re.sub(r"--stage([ =])search\b", r"--stage\1final", called)


def list_results(result: StudyResult | DatasetsResult) -> list[StudyResult]:
    """Of each data set; of a study over one data set itself."""
    from chainrule.study import StudyResult

    return [result] if isinstance(result, StudyResult) else [*result.datasets.values()]


def report_kept(result: StudyResult | DatasetsResult) -> None:
    """Say of how many rounds the predictions are not there."""
    rows = [row for row in result.rows if row.stage == "final"]
    done = sum(row.status == "done" for row in rows)
    kept = sum(bool(row.predictions_digest) for row in rows)
    if kept < done:
        echo_err(
            f"{done - kept} of {count_noun(done, 'final training')} done before predictions were "
            "kept: they have none; another --store would have all"
        )


def is_comparable(result: StudyResult | DatasetsResult) -> bool:
    """Whether there are arms and rounds enough to compare."""
    try:
        result.compare()
    except ValueError:
        return False
    return True


def report_failures(result: StudyResult | DatasetsResult, arms: set[str]) -> None:
    """Say what failed of these arms, and what one may do; then exit code 1."""
    from chainrule.study.results.failures import describe_failures

    failures = describe_failures(row for row in result.failures if row.arm in arms)
    if failures:
        command = shlex.join(["chainrule", *sys.argv[1:]])
        lines = "\n".join(failures)
        echo_err(
            f"chainrule: some trainings failed; the others are kept:\n{lines}\n"
            f"Mend the cause and try what failed again with:\n  {command}",
            is_error=True,
        )
        raise typer.Exit(1)
