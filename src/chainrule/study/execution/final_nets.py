"""The nets of final trainings that no run kept: trained again, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from chainrule._util.argument_checks import check_arguments
from chainrule._util.atomic import write_atomically
from chainrule._util.notices import print_once
from chainrule.nn.config import to_config
from chainrule.recipes.errors import StudyError
from chainrule.study.execution.backends import settle_backend
from chainrule.study.execution.cohorts import CohortJob, Training, build_jobs
from chainrule.study.execution.executors import (
    Executor,
    exit_while_importing_main,
    use_engine,
)
from chainrule.study.execution.job import net_path, retrain_cohort
from chainrule.study.execution.scheduling.job_queue import JobQueue
from chainrule.study.execution.workers.travel import pack_study
from chainrule.study.results.backends import backend_kind
from chainrule.study.results.study_result import StudyResult
from chainrule.study.spec.own_files.own_code import pin_sources
from chainrule.study.spec.sections.arms import Arm
from chainrule.study.spec.study import Study
from chainrule.study.store.record import TrainingKey, TrainingRecord

__all__ = ["choose_folders", "find_missing_nets", "retrain_nets", "save_missing_nets", "write_nets"]


@check_arguments
def retrain_nets(
    result: StudyResult,
    folder: str | Path,
    *,
    arms: str | Sequence[str] = "*",
    rounds: Collection[int] | None = None,
    jobs: int = 1,
    executor: Executor | str | None = None,
) -> list[Path]:
    """Train final nets of a study again, save them as ``run(nets=folder)`` does, and list them.

    - ``arms``: a pattern, or several; ``rounds``: all that are done unless given.
    - ``jobs``, ``executor``: as of :func:`run`.

    A net is trained in the cohort that it was in, so it is the same bit for bit; and what it scores
    is held to what the store has. Raises StudyError, and saves no such net, where that differs
    (another machine, another version), where a module of your own has changed since, where a worker
    dies, and for arms and rounds without results; OSError where nothing can be written.
    """
    if jobs < 1:
        raise StudyError(f"expected at least 1 job, got {jobs}")
    if jobs > 1 and executor is None:
        exit_while_importing_main()
    check_sources(result.study)
    wanted = select_finals(result, [arms] if isinstance(arms, str) else arms, rounds)
    return save_again(result, wanted, Path(folder), jobs, executor)


def choose_folders(arms: Sequence[Arm], folder: str | Path | None) -> dict[str, Path]:
    """Arm → where its nets are saved, of those whose nets can be; stderr says of which not."""
    found: dict[str, Path] = {}
    for arm in arms if folder is not None else ():
        if problem := find_save_problem(arm):
            print_once(f"arm {arm.name} is trained, and its nets are not saved: {problem}")
        else:
            found[arm.name] = Path(str(folder))
    return found


def find_save_problem(arm: Arm) -> str:
    """Why no file can hold an arm's net, or ""; that one cannot be made is said elsewhere."""
    try:
        net = arm.recipe.make_net()
    except Exception:  # whatever making a net raises
        return ""
    try:
        to_config(net)
    except ValueError as error:
        return str(error)
    return ""


def save_missing_nets(
    result: StudyResult,
    folders: Mapping[str, Path],
    jobs: int,
    executor: Executor | str | None,
    is_wanted: Callable[[TrainingKey], bool],
) -> None:
    """Train again what nets of these arms are not in their folder, of those that are wanted.

    Raises as :func:`retrain_nets`.
    """
    for folder in {*folders.values()}:
        missing = [r for r in find_missing_nets(result, folder) if r.arm in folders]
        missing = [row for row in missing if is_wanted(row.key)]
        save_again(result, missing, folder, jobs, executor)


def find_missing_nets(
    result: StudyResult, folder: str | Path, arms: str = "*"
) -> list[TrainingRecord]:
    """The final trainings of these arms whose nets are not in the folder."""
    members = {arm.name: arm.recipe.ensemble_size for arm in result.study.select(arms)}
    return [
        row
        for row in find_finals(result)
        if row.arm in members
        and not Path(folder, net_path(row.arm, row.round, 0, members[row.arm])).is_file()
    ]


def find_finals(result: StudyResult) -> list[TrainingRecord]:
    """The rows of the trainings that have a net."""
    return [row for row in result.rows if row.stage == "final" and row.status != "failed"]


def select_finals(
    result: StudyResult, patterns: Sequence[str], rounds: Collection[int] | None
) -> list[TrainingRecord]:
    """The final rows of these arms and rounds. Raises StudyError where there are none."""
    study = result.study
    names = {arm.name for pattern in patterns for arm in study.select(pattern)}
    rows = [row for row in find_finals(result) if row.arm in names]
    done = {row.round for row in rows}
    if not rows:
        raise StudyError(f"study {study.name}: no results yet of {', '.join(sorted(names))}")
    if unknown := set(rounds or ()) - done:
        listed = ", ".join(map(str, sorted(unknown)))
        raise StudyError(
            f"study {study.name}: no results of round {listed}; there are: "
            + ", ".join(map(str, sorted(done)))
        )
    return [row for row in rows if rounds is None or row.round in rounds]


def check_sources(study: Study) -> None:
    """Raise StudyError where modules of the user's are not those that the study was run with."""
    now = pin_sources(study).sources
    changed = [name for name, digest in study.sources.items() if now.get(name) != digest]
    if changed:
        raise StudyError(
            f"study {study.name}: {', '.join(changed)} changed since it was run, so its nets would "
            "be others; run it again with --nets"
        )


def save_again(
    result: StudyResult,
    wanted: Sequence[TrainingRecord],
    folder: Path,
    jobs: int = 1,
    executor: Executor | str | None = None,
) -> list[Path]:
    """Train the cohorts that these rows are of, and save the nets of these rows."""
    cohorts = find_cohorts(result.study, find_finals(result), wanted)
    stored = dict(cohorts)

    def arguments(job: CohortJob) -> tuple[object, ...]:
        return stored[job], {row.round for row in wanted if row.arm == job.arm}

    paths = []
    with use_engine(executor, min(jobs, len(cohorts))) as engine:
        for way in {*map(was_compiled, stored.values())}:
            sent = pack_study(*declare_again(result.study, compiled=way), engine.is_remote)
            queue = JobQueue(engine, *sent, retrain_cohort, arguments)
            queue.add(job for job, rows in stored.items() if was_compiled(rows) == way)
            paths += take_nets(queue, folder)
    return sorted(paths)


def take_nets(queue: JobQueue, folder: Path) -> list[Path]:
    """Carry out all of a queue, and write the nets as they come. Raises what a training raises."""
    paths = []
    try:
        while queue:
            queue.begin()
            for _, outcome in queue.collect_finished():
                if isinstance(outcome, StudyError):
                    raise outcome
                paths += write_nets(outcome.nets, folder)
    except BaseException:
        queue.stop()
        raise
    return paths


def write_nets(nets: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write nets as workers hand them back, each whole or not at all; their paths."""
    paths = [folder / name for name in nets]
    for path, content in zip(paths, nets.values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    return paths


def was_compiled(rows: Sequence[TrainingRecord]) -> bool:
    """Whether the kernel trained a cohort; before that was recorded it trained none."""
    return backend_kind(rows[0].backend) == "compiled"


def declare_again(study: Study, *, compiled: bool) -> tuple[Study, str]:
    """The study as workers get it, to be computed one way, and the key of the kernel or ""."""
    study = study.model_copy(update={"keep": None, "compile": compiled, "callbacks": []})
    return settle_backend(study) if compiled else (study, "")


def find_cohorts(
    study: Study, finals: Iterable[TrainingRecord], wanted: Sequence[TrainingRecord]
) -> list[tuple[CohortJob, list[TrainingRecord]]]:
    """The cohorts that these rows were trained in, each with all its rows.

    Rows of one cohort have one worker and the same seconds, to the last bit.
    """
    cohorts: dict[tuple[str, str, float, int], list[TrainingRecord]] = {}
    for row in sorted(finals, key=lambda row: row.key):
        cohort = row.arm, row.worker, row.seconds, row.cohort_size
        cohorts.setdefault(cohort, []).append(row)
    keys, arms = {row.key for row in wanted}, {arm.name: arm for arm in study.all_arms}
    found = []
    for (name, *_), rows in cohorts.items():
        if keys.isdisjoint(row.key for row in rows):
            continue
        trainings = [Training(row.candidate, row.setting, row.round, 0) for row in rows]
        jobs = build_jobs(arms[name], "final", trainings, sample=(), cohort_size=len(rows))
        found += [(job, rows) for job in jobs]
    return found
