"""Implementation of the commands: effects and output around the pure parts."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
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
from autograder.errors import SubmissionError, UsageError
from autograder.gradebook.class_grades import read_class
from autograder.grading.batch import Workers, grade_all
from autograder.grading.grader import Grader
from autograder.grading.resume import identities, make_plan, same_entries
from autograder.grading.session import Session, local_workers, solutions_beside
from autograder.grading.stages import ReportingIsolation
from autograder.intake.submissions import Submission, find_submissions, read_beside, read_submission, take_in
from autograder.labs.assignment import Assignment, needs_of
from autograder.labs.course import autograder_zip, find_root, lab_names, missing_builds, newer_sources
from autograder.notebooks.notebook import Notebook, read_notebook
from autograder.render.feedback import feedback_html
from autograder.render.pages import write_feedback, write_report
from autograder.render.terminal import result_table
from autograder.report.summary import Effort
from autograder.results.folder import not_asked_for, results_folder
from autograder.results.grade import Grade, Row
from autograder.results.handin import Source
from autograder.results.result import Result
from autograder.sandbox import Limits
from autograder.sandbox.layers import Level
from autograder.util.files import write_whole


@dataclass(frozen=True)
class GradingOptions:
    """Options of grading a notebook; None keeps the lab's value.

    Args:
        lab: the lab to use.
        zip_path: an otter autograder zip to use instead of the course's labs.
        seconds: time limit per notebook.
        memory_mb: memory limit per notebook, in MiB.
        limits: other limits as NAME=NUMBER.
        isolation: the isolation level.
        root: the course; by default the one around the working directory.
        retrain: whether to train in every notebook instead of reusing trainings.
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
        """Validate the limits.

        Raises:
            UsageError: an entry of `limits` is not NAME=NUMBER with a known name and a number above 0.
        """
        for text in self.limits:
            _named_limit(text)


@dataclass(frozen=True)
class ClassOptions:
    """Options of grading a class.

    Args:
        jobs: submissions graded in parallel on this machine; None for one per processor.
        cluster: address of a Dask scheduler to use instead.
        regrade: IDs or names of submissions to grade again even if unchanged.
        anonymous: whether to leave names out of students' pages.
        counting: corrections and lateness.
        source: the platform of the submissions, or `plain`; None to detect it.
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
    show_whole(f"Created a course in {course.folder}: {', '.join(course.labs)}. See its README.md.")
    show_whole(f"Next: cd {course.folder} && autograder build && autograder prove")


def build_course(labs: Sequence[str], *, check: bool, run_keys: bool = True, root: Path | None = None) -> None:
    """Run `autograder build`.

    Args:
        labs: names of the labs; empty for all.
        check: whether to compare the generated files instead of writing them.
        run_keys: whether to run the answer keys and verify their marks.
        root: the course; by default the one around the working directory.
    """
    from autograder.authoring import build_labs

    lines: list[str] = []
    what = "Generating notebooks and autograders" + (", running the answer keys" if run_keys else "")
    try:
        with show_waiting("Comparing generated files" if check else what):
            build_labs(root or find_root(), labs, check=check, report=lines.append, run_keys=run_keys)
    finally:  # labs without a fault are built, too, where others have one
        for line in lines:
            say(line)


def translate_course(labs: Sequence[str]) -> None:
    """`autograder build --update-translations`."""
    from autograder.authoring import update_translations

    update_translations(find_root(), labs, say)


def check_notebook(
    notebook: Path, options: GradingOptions, *, as_json: bool, page: Path | None = None, anonymous: bool = False
) -> Result:
    """Run `autograder check`: grade a notebook and print reasons for lost points.

    Args:
        notebook: the notebook.
        options: how to grade it.
        as_json: whether to print the result as JSON.
        page: where to write its feedback page, or None.
        anonymous: whether to leave its name out of the page.

    Raises:
        UsageError: there is no single submission, or the page cannot be written.
    """
    if page is not None and (page.is_dir() or not page.absolute().parent.is_dir()):
        raise UsageError(
            f"The page cannot be written to {page}: its folder does not exist, or it is a folder itself.",
            hint=f"autograder check {notebook} --html page.html",
        )
    submissions = find_submissions([notebook], one_student=True)
    submission = submissions[0]
    if len(submissions) > 1:
        raise UsageError(
            f"{notebook} contains {len(submissions)} submissions; `check` grades only one.",
            hint=f"autograder grade {notebook} -o DIR",
        )
    content = _content(submission)
    with _grader(_for_its_lab(options, content)) as ready:
        if content is not None:
            ready.prepare()
        with show_steps(submission.name) as tell:
            watched = replace(ready.grader, isolation=ReportingIsolation(ready.grader.isolation, tell))
            read = partial(read_submission, submission)
            graded = watched.graded(submission.name, read, partial(read_beside, submission))
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
    """Run `autograder grade`: grade new and changed submissions; return the exit code."""
    start = time.monotonic()
    course.counting.check()
    intake = take_in(paths, course.source)
    for line in intake.told:
        _tell(line)
    identities(intake.submissions, course.regrade)  # report unknown names before anything starts
    with results_folder(output):
        submissions = same_entries(intake.submissions, output)
        intake = replace(intake, submissions=submissions)
        wanted = [submission.id for submission in submissions]
        regrade = identities(submissions, course.regrade)
        with _workers(options, course) as ready:
            workers = ready.workers
            plan = make_plan(submissions, output, workers.conditions, regrade)
            begin_class(output, intake, workers.conditions.assignments, course.counting, anonymous=course.anonymous)
            tell_plan(plan, len(submissions), not_asked_for(output, wanted))
            if any(submission.problem is None for submission in plan.to_grade):
                ready.prepare()
            with show_progress(len(submissions), kept=len(plan.kept), at_once=workers.at_once) as watch:

                def finish(identity: str, result: Result) -> None:
                    write_feedback(output, Row(identity, Grade(result)), anonymous=course.anonymous)
                    watch.finished(result)

                graded = grade_all(plan.to_grade, workers, output, finish, watch.step, plan.versions)
        grades = read_class(output)
        rows = write_report(output, grades)
    if as_json:
        show_results_as_json(rows)
    else:
        effort = Effort(time.monotonic() - start, len(graded), len(plan.kept))
        show_class(rows, output, effort=effort, every=every_row)
        tell_notes(grades, output)
    return exit_code([row.grade.result for row in rows])


def exit_code(results: Sequence[Result]) -> int:
    """Return 1 if the grader failed on any submission, else 0."""
    return int(any(result.has_grader_error for result in results))


def fetch_data(profile: Path | None, npz: Path | None = None, *, as_json: bool = False) -> None:
    """Run `autograder data`."""
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
    say(f"MNIST is verified and cached: {path}")
    if profile is not None:
        say("To use it with stock tools, offline:")
        show_whole(f"  IPYTHONDIR={profile.absolute()} otter run -a dist/NAME-autograder.zip NOTEBOOK")
    if npz is not None:
        say("To hand out as mnist.npz next to the notebooks:")
        show_whole(f"  {npz.absolute()}")


def usable_processors() -> int:
    """Return the number of processors available to this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class _Grader:
    """A grader, and the loader of its labs' test files."""

    grader: Grader
    prepare: Callable[[], None]


@dataclass(frozen=True)
class _Workers:
    """Workers, and what prepares them for the first notebook."""

    workers: Workers
    prepare: Callable[[], None]


@contextmanager
def _grader(options: GradingOptions) -> Iterator[_Grader]:
    """Create a grader with a fork server.

    The server starts with its first job and is shut down on exit.
    """
    zips, unavailable = _usable_zips(options)
    needs = needs_of(zips.values())
    with Session(options.isolation, needs=needs, needs_mnist=options.zip_path is None, report=_tell) as session:

        def load(*, run_tests: bool) -> dict[str, Assignment]:
            with show_waiting(f"Starting {'TensorFlow' if needs.keras else 'the grader'}"):
                loaded, faulty = session.load_usable(zips, run_tests=run_tests)
            for lab, reason in faulty.items():
                if lab not in unavailable:
                    unavailable[lab] = reason
                    _tell(f"{lab} cannot be graded: {reason}")
            return loaded

        for lab, reason in unavailable.items():
            _tell(f"{lab} cannot be graded: {reason}")
        loaded = load(run_tests=False)
        labs = [with_limits(lab, options) for lab in loaded.values()]
        alone = len(labs) == 1 and not unavailable
        grader = session.grader(
            labs,
            solutions_beside(list(loaded.values()), [zips[lab] for lab in loaded]),
            assume=labs[0].name if options.lab or alone else None,
            retrain=options.retrain,
            unavailable=unavailable,
        )

        def prepare() -> None:
            session.fork_server.start()  # so that missing data are reported first
            load(run_tests=True)

        yield _Grader(grader, prepare)


def _content(submission: Submission) -> Notebook | None:
    """Return the notebook of a submission; None if it cannot be read."""
    try:
        return read_notebook(read_submission(submission))
    except SubmissionError:
        return None


def _for_its_lab(options: GradingOptions, notebook: Notebook | None) -> GradingOptions:
    """Return the options for one notebook, restricted to the lab that it names."""
    if options.lab is not None or options.zip_path is not None or notebook is None:
        return options
    named = notebook.assignment
    return replace(options, lab=named) if named in lab_names(options.root or find_root()) else options


@contextmanager
def _workers(options: GradingOptions, course: ClassOptions) -> Iterator[_Workers]:
    """Create the workers: processors of this machine, or a cluster."""
    with ExitStack() as stack:
        if course.cluster is not None:
            with show_waiting("Waiting for a worker of the cluster"):
                workers = stack.enter_context(_cluster(course.cluster, options))
            yield _Workers(workers, lambda: None)
        else:
            ready = stack.enter_context(_grader(options))
            count = course.jobs or usable_processors()
            workers = stack.enter_context(local_workers(ready.grader, count, retrain=options.retrain))
            yield _Workers(workers, ready.prepare)


def _cluster(address: str, options: GradingOptions) -> AbstractContextManager[Workers]:
    try:
        from autograder.grading.cluster import cluster_workers
    except ImportError as error:
        raise UsageError(
            f"--cluster requires Dask, which is not installed ({error}).",
            hint="pip install 'mnist-lab-kit[cluster]'",
        ) from error
    return cluster_workers(
        address,
        _zips(options),
        needs_mnist=options.zip_path is None,
        adapt=partial(with_limits, options=options),
        isolation=options.isolation,
        solutions=None if options.retrain else solutions_beside,
        report=_tell,
    )


def _usable_zips(options: GradingOptions) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the zips to grade with by lab, and why other labs cannot be used.

    A zip older than its master is reported.

    Raises:
        UsageError: there is no zip to grade with.
    """
    if options.zip_path is not None:
        return {options.zip_path.stem: options.zip_path}, {}
    root = options.root or find_root()
    missing = [] if options.lab else list(missing_builds(root))
    if missing and len(missing) < len(lab_names(root)):
        built = [lab for lab in lab_names(root) if lab not in missing]
        zips = {lab: autograder_zip(root, lab) for lab in built}
    else:
        zips = {path.name.removesuffix("-autograder.zip"): path for path in _zips(options)}
        missing = []
    for lab in zips:
        newer = newer_sources(root, lab)
        if newer:
            _tell(f"{lab} was built before the last change of {', '.join(newer)}. To use that: autograder build {lab}")
    return zips, {lab: f"it has not been built. Next: autograder build {lab}" for lab in missing}


def _zips(options: GradingOptions) -> list[Path]:
    if options.zip_path is not None:
        return [options.zip_path]
    root = options.root or find_root()
    labs = lab_names(root)
    if options.lab is not None and options.lab not in labs:
        raise UsageError(
            f"There is no lab {options.lab}. Labs of this course: {', '.join(labs) or 'none'}.",
            hint=f"--lab {labs[0]}" if labs else "autograder build",
        )
    wanted = [options.lab] if options.lab else list(labs)
    missing = [lab for lab in wanted if not autograder_zip(root, lab).exists()]
    if missing:
        raise UsageError(f"Not built yet: {', '.join(missing)}.", hint="autograder build")
    return [autograder_zip(root, lab) for lab in wanted]


def _tell(line: str) -> None:
    say(line, err=True)


def with_limits(assignment: Assignment, options: GradingOptions) -> Assignment:
    """Return a lab with the limits of the command line, which take precedence."""
    changes: dict[str, Any] = dict(_named_limit(text) for text in options.limits)
    changes |= {name: value for name in ("seconds", "memory_mb") if (value := getattr(options, name)) is not None}
    return replace(assignment, limits=replace(assignment.limits, **changes))


def _named_limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    known = [field.name for field in fields(Limits)]
    if name not in known:
        raise UsageError(f"There is no limit {name}. Limits: {', '.join(known)}.", hint=f"--limit {known[-1]}=64")
    if not number.isdecimal() or int(number) < 1:
        raise UsageError(f"--limit {text} is not a whole number above 0.", hint=f"--limit {name}=64")
    return name, int(number)
