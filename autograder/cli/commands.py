"""What the commands do: effects and output around the pure parts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from autograder.cli.class_output import show_class, show_results_as_json, tell_plan
from autograder.cli.class_report import CountingOptions, begin_class, tell_notes
from autograder.cli.console import say, show, show_json, show_whole
from autograder.cli.progress import show_progress, show_steps, show_waiting
from autograder.datasets import mnist as data
from autograder.errors import DataError, SubmissionError, UsageError
from autograder.gradebook.class_grades import read_class
from autograder.grading.answer_keys import AnswerKeys
from autograder.grading.batch import Place, grade_all, grade_paper
from autograder.grading.grader import Grader, no_cached_trainings
from autograder.grading.preload import preload_for
from autograder.grading.resume import Conditions, identities, make_plan, same_entries
from autograder.grading.stages import ReportingIsolation
from autograder.grading.training_cache import TrainingCache
from autograder.intake.submissions import Submission, find_submissions, read_submission, take_in
from autograder.labs.assignment import Assignment, load_assignment, needs_keras
from autograder.labs.course import autograder_zip, find_root, lab_names
from autograder.notebooks.notebook import read_notebook
from autograder.render.feedback import feedback_html
from autograder.render.pages import write_feedback, write_report
from autograder.render.terminal import result_table
from autograder.report.summary import Effort
from autograder.results.folder import not_asked_for, results_folder
from autograder.results.grade import Grade, Row
from autograder.results.handin import Source
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.client import ForkServer
from autograder.sandbox.layers import Level
from autograder.util.files import write_whole


@dataclass(frozen=True)
class GradingOptions:
    """How to grade: which lab or autograder zip, limits that override the lab's own (None: the lab's), isolation.

    `limits` holds the rarer limits as NAME=NUMBER.
    `root`: the course; by default the one around the working directory.
    `retrain`: let every submission train, also where the solution has trained the same.
    """

    lab: str | None = None
    zip_path: Path | None = None
    seconds: float | None = None
    memory_mb: int | None = None
    limits: Sequence[str] = ()
    isolation: Level = "full"
    retrain: bool = False
    root: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a limit there is not before anything starts.

        Raises:
            UsageError: an entry of `limits` is no NAME=NUMBER with a known name and a number above 0.
        """
        for text in self.limits:
            _named_limit(text)


@dataclass(frozen=True)
class ClassOptions:
    """How to grade a class.

    Args:
        jobs: submissions graded at once on this machine; None for one per processor.
        cluster: address of a Dask scheduler to grade through instead.
        regrade: IDs or names of submissions to grade even where nothing has changed.
        anonymous: leave names out of students' pages.
        counting: corrections and lateness.
        source: the platform the submissions come from, or `plain`; None to recognise it.
    """

    jobs: int | None = None
    cluster: str | None = None
    regrade: tuple[str, ...] = ()
    anonymous: bool = False
    counting: CountingOptions = field(default_factory=CountingOptions)
    source: Source | None = None


def begin_course(folder: Path, example: str) -> None:
    """`autograder new`."""
    from autograder.authoring.new import new_course

    course = new_course(folder, example)
    show_whole(f"{course.folder} holds a course now: {', '.join(course.labs)}. Its README.md says how it goes on.")
    show_whole(f"Next: cd {course.folder} && autograder build && autograder prove")


def build_course(labs: Sequence[str], *, check: bool, run_keys: bool = True, root: Path | None = None) -> None:
    """`autograder build`."""
    from autograder.authoring import build_labs

    lines: list[str] = []
    what = (
        "Making notebooks and autograders, running the answer keys" if run_keys else "Making notebooks and autograders"
    )
    with show_waiting("Comparing with what the masters make" if check else what):
        build_labs(root or find_root(), labs, check=check, report=lines.append, run_keys=run_keys)
    for line in lines:
        say(line)


def check_notebook(
    notebook: Path, options: GradingOptions, *, as_json: bool, page: Path | None = None, anonymous: bool = False
) -> Result:
    """`autograder check`: grade one notebook and print why each point was lost; `page`: where to write its page."""
    if page is not None and (page.is_dir() or not page.absolute().parent.is_dir()):
        raise UsageError(
            f"The page cannot be written to {page}: there is no such folder, or it is a folder itself.",
            hint=f"autograder check {notebook} --html page.html",
        )
    submissions = find_submissions([notebook])
    if len(submissions) > 1:
        raise UsageError(
            f"{notebook} holds {len(submissions)} submissions; check takes one.",
            hint=f"autograder grade {notebook} -o DIR",
        )
    with _grader(_for_its_lab(options, submissions[0])) as grader, show_steps(submissions[0].name) as tell:
        watched = replace(grader, isolation=ReportingIsolation(grader.isolation, tell))
        graded = watched.graded(submissions[0].name, lambda: read_submission(submissions[0]))
    result = graded.result
    if page is not None:
        write_whole(page, feedback_html(Grade(result), graded.executed, anonymous=anonymous))
    if as_json:
        show_json(json.loads(result.to_json()))
    else:
        show(result_table(result))
    return result


def grade_class(
    paths: Sequence[Path],
    output: Path,
    options: GradingOptions,
    course: ClassOptions,
    *,
    as_json: bool,
    every_row: bool = False,
) -> int:
    """`autograder grade`: grade what is not graded yet, write the results; returns the exit code."""
    start = time.monotonic()
    course.counting.check()
    intake = take_in(paths, course.source)
    for line in intake.told:
        _tell(line)
    identities(intake.submissions, course.regrade)  # what nobody is called is told before anything starts
    with results_folder(output):
        submissions = same_entries(intake.submissions, output)
        intake = replace(intake, submissions=submissions)
        wanted = [submission.id for submission in submissions]
        regrade = identities(submissions, course.regrade)
        with _place(options, course) as place:
            plan = make_plan(submissions, output, place.conditions, regrade)
            begin_class(output, intake, place.conditions.assignments, course.counting, anonymous=course.anonymous)
            tell_plan(plan, len(submissions), not_asked_for(output, wanted))
            with show_progress(len(submissions), kept=len(plan.kept), at_once=place.at_once) as watch:

                def finish(identity: str, result: Result) -> None:
                    write_feedback(output, Row(identity, Grade(result)), anonymous=course.anonymous)
                    watch.finished(result)

                graded = grade_all(plan.to_grade, place, output, finish, watch.step, plan.versions)
        grades = read_class(output)
        rows = write_report(output, grades)
    if as_json:
        show_results_as_json(rows)
    else:
        effort = Effort(time.monotonic() - start, len(graded), len(plan.kept))
        show_class(rows, output, effort=effort, every=every_row)
        tell_notes(grades)
    return exit_code([row.grade.result for row in rows])


def exit_code(results: Sequence[Result]) -> int:
    """1 where the grader failed to do its work on any submission, else 0, whatever the marks."""
    return int(any(result.has_grader_error for result in results))


def fetch_data(profile: Path | None, npz: Path | None = None, *, as_json: bool = False) -> None:
    """`autograder data`."""
    path = data.npz_path(_tell)
    if profile is not None:
        data.write_ipython_profile(profile)
    if npz is not None:
        data.write_npz(npz)
    if as_json:
        written = {"ipython": profile, "npz": npz}
        places = {name: None if place is None else str(place.absolute()) for name, place in written.items()}
        show_json({"schema": 1, "mnist": str(path), **places})
        return
    say(f"MNIST is there and verified: {path}")
    if profile is not None:
        say("For stock tools, offline:")
        show_whole(f"  IPYTHONDIR={profile.absolute()} otter run -a dist/NAME-autograder.zip NOTEBOOK")
    if npz is not None:
        say("To be handed out, as mnist.npz beside the notebooks:")
        show_whole(f"  {npz.absolute()}")


def usable_processors() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _grader(options: GradingOptions) -> Iterator[Grader]:
    """A grader with its fork server, which ends with the context."""
    zips = _zips(options)
    keras = any(map(needs_keras, zips))
    preload = preload_for(_mnist(required=options.zip_path is None) if keras else None, keras=keras)
    with ForkServer(preload, options.isolation) as fork_server:
        with show_waiting(f"Starting {'TensorFlow' if keras else 'the grader'}, once for the whole run"):
            loaded = [load_assignment(path, fork_server) for path in zips]
        assignments = {lab.name: _with_limits(lab, options) for lab in loaded}
        solutions = _solutions(loaded, zips)
        trainings = no_cached_trainings if options.retrain else TrainingCache(solutions, fork_server, _tell).of
        assume = next(iter(assignments)) if options.lab or len(assignments) == 1 else None
        yield Grader(assignments, fork_server, assume, trainings, AnswerKeys(solutions))


def _for_its_lab(options: GradingOptions, submission: Submission) -> GradingOptions:
    """Return the options for one notebook: where it names its lab, no other lab needs to be loaded."""
    if options.lab is not None or options.zip_path is not None:
        return options
    try:
        named = read_notebook(read_submission(submission)).assignment
    except SubmissionError:
        return options
    return replace(options, lab=named) if named in lab_names(options.root or find_root()) else options


def _solutions(labs: Sequence[Assignment], zips: Sequence[Path]) -> dict[str, Path]:
    """Where the solution of each lab lies if it is there: beside its zip."""
    return {lab.name: path.with_name(f"{lab.name}-solution.ipynb") for path, lab in zip(zips, labs, strict=True)}


@contextmanager
def _place(options: GradingOptions, course: ClassOptions) -> Iterator[Place]:
    """Where to grade: the processors of this machine, or a cluster."""
    if course.cluster is not None:
        with ExitStack() as stack:
            with show_waiting("Waiting for a worker of the cluster"):
                place = stack.enter_context(_cluster(course.cluster, options))
            yield place
        return
    workers = course.jobs or usable_processors()
    with _grader(options) as grader:
        executor = ThreadPoolExecutor(workers)
        conditions = Conditions(grader.assignments, grader.isolation.level, grader.assume, options.retrain)
        try:
            yield Place(executor, partial(grade_paper, grader), conditions, lambda: 2 * workers, at_once=workers)
        finally:
            # On Ctrl-C the jobs still running end with the fork server, not by being waited for.
            executor.shutdown(wait=False, cancel_futures=True)


def _cluster(address: str, options: GradingOptions) -> AbstractContextManager[Place]:
    try:
        from autograder.grading.cluster import cluster_place
    except ImportError as error:
        raise UsageError(
            f"--cluster needs Dask, which is not installed here ({error}).",
            hint="pip install 'mnist-lab-kit[cluster]'",
        ) from error
    return cluster_place(
        address,
        _zips(options),
        needs_mnist=options.zip_path is None,
        adapt=partial(_with_limits, options=options),
        isolation=options.isolation,
        solutions=None if options.retrain else _solutions,
        report=_tell,
    )


def _zips(options: GradingOptions) -> list[Path]:
    if options.zip_path is not None:
        return [options.zip_path]
    root = options.root or find_root()
    labs = lab_names(root)
    if options.lab is not None and options.lab not in labs:
        raise UsageError(
            f"There is no lab {options.lab}: this course has {', '.join(labs) or 'none'}.",
            hint=f"--lab {labs[0]}" if labs else "autograder build",
        )
    wanted = [options.lab] if options.lab else list(labs)
    missing = [lab for lab in wanted if not autograder_zip(root, lab).exists()]
    if missing:
        raise UsageError(f"Not built yet: {', '.join(missing)}.", hint="autograder build")
    return [autograder_zip(root, lab) for lab in wanted]


def _tell(line: str) -> None:
    say(line, err=True)


def _mnist(*, required: bool) -> Path | None:
    """The verified file; an autograder of somebody else's may need no MNIST, so there its absence is no error."""
    try:
        return data.npz_path(_tell)
    except DataError:
        if required:
            raise
        return None


def _with_limits(assignment: Assignment, options: GradingOptions) -> Assignment:
    changes: dict[str, Any] = dict(_named_limit(text) for text in options.limits)
    changes |= {name: value for name in ("seconds", "memory_mb") if (value := getattr(options, name)) is not None}
    return replace(assignment, limits=replace(assignment.limits, **changes))


def _named_limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    known = [field.name for field in fields(Limits)]
    if name not in known:
        raise UsageError(f"There is no limit {name}: there is {', '.join(known)}.", hint=f"--limit {known[-1]}=64")
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"--limit {text} gives no whole number above 0.", hint=f"--limit {name}=64")
    return name, int(number)
