"""The command `autograder`. Imports nothing heavy until a command needs it, so that --help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autograder import __version__
from autograder.cli.signals import stop_in_order
from autograder.errors import KitError, UsageError
from autograder.platforms.gradescope import VISIBILITIES
from autograder.results.handin import SOURCES, Source
from autograder.sandbox.layers import LEVELS

_EXISTING = click.Path(path_type=Path)
_GOES_ON = {
    "grade": " What was graded so far is kept; the same command goes on from there.",
    "demo": " The next `autograder demo` begins anew.",
}


class _Command(click.Group):
    """Turns the kit's own errors into a message, the helping command and the exit code of their class."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order in which people need them, not by the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        stop_in_order()
        try:
            return super().invoke(ctx)
        except KitError as error:
            from autograder.cli.console import say_error

            called = f"autograder {ctx.invoked_subcommand} --help" if isinstance(error, UsageError) else None
            say_error(str(error), error.hint or called)
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo(f"\nStopped.{_GOES_ON.get(ctx.invoked_subcommand or '', '')}", err=True)
            sys.exit(1)


def _grading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options shared by `check` and `grade`."""
    options = (
        click.option("--lab", metavar="NAME", help="The lab to take where a notebook does not say which it is."),
        click.option(
            "-a",
            "--autograder",
            "zip_path",
            type=_EXISTING,
            metavar="FILE.zip",
            help="Grade with this otter autograder zip instead of the course's labs.",
        ),
        click.option(
            "--seconds", type=click.FloatRange(min=1), metavar="N", help="How long one notebook may run, in seconds."
        ),
        click.option(
            "--memory-mb", type=click.IntRange(min=512), metavar="N", help="Memory one notebook may use, in MiB."
        ),
        click.option(
            "--limit",
            "limits",
            multiple=True,
            metavar="NAME=NUMBER",
            help="Any other limit of the lab's TOML, for example scratch_mb=512 (repeatable).",
        ),
        click.option(
            "--isolation",
            type=click.Choice(LEVELS),
            default="full",
            show_default=True,
            help="full: all layers, or refuse; basic: those this machine has; none: a process of its own with limits.",
        ),
        click.option(
            "--retrain", is_flag=True, help="Let every notebook train, also where the solution has trained the same."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Submissions graded at once (default: one per processor).",
)


def _counting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options shared by `grade` and `report`: what counts on top of results."""
    options = (
        click.option(
            "--override", type=_EXISTING, metavar="FILE.csv", help="Corrections: submission,question,points,reason."
        ),
        click.option(
            "--times",
            type=_EXISTING,
            metavar="FILE.csv",
            help="When handed in: submission,time, or Moodle's worksheet.",
        ),
        click.option(
            "--due", metavar="TIME", help='For example "2026-10-05 23:59 Europe/Berlin"; none: nothing is late.'
        ),
        click.option(
            "--grace",
            "grace_minutes",
            type=click.FloatRange(min=0),
            metavar="MINUTES",
            help="So much later costs nothing.",
        ),
        click.option(
            "--percent-per-day", type=click.FloatRange(0, 100), metavar="PERCENT", help="Taken off for every day begun."
        ),
        click.option(
            "--late-cap", "cap_percent", type=click.FloatRange(0, 100), metavar="PERCENT", help="The most taken off."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _counting(options: dict[str, Any]) -> Any:
    """Take the options above out of those of a command."""
    from autograder.cli.class_report import CountingOptions
    from autograder.labs.lateness import LateOptions

    late = {name: options.pop(name) for name in ("due", "grace_minutes", "percent_per_day", "cap_percent")}
    return CountingOptions(options.pop("override"), options.pop("times"), LateOptions(**late))


_anonymous = click.option(
    "--anonymous", is_flag=True, help="Leave the submission's name out of the page for a student."
)


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autograder")
def main() -> None:
    """Auto-graded first lessons in deep learning.

    Students' code and the tests never share a process.

    First time here? `autograder doctor` looks at this machine, `autograder demo` shows everything at work.
    """


@main.command()
@click.argument("folder", type=_EXISTING)
@click.option("--example", default="blank", show_default=True, metavar="NAME", help="What to begin with; see below.")
def new(folder: Path, example: str) -> None:
    """Begin a course in FOLDER.

    The example `blank` is a small lab to replace with your own: a table, a function and a choice. `mnist_dense`,
    `single_layer` and `from_scratch` are the labs of the kit, with their known answers.
    """
    from autograder.cli.commands import begin_course

    begin_course(folder, example)


@main.command()
@click.argument("labs", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a generated file is not current.")
@click.option(
    "--no-run", is_flag=True, help="Do not run the answer keys, and so do not prove that they earn all points."
)
def build(labs: tuple[str, ...], check: bool, no_run: bool) -> None:
    """Make notebooks and autograders from the masters in solutions/.

    Notebooks for students go to assignment/, autograder zips and executed answer keys to dist/. The keys are graded in
    the sandbox: each must earn every point, and the untouched notebook none. Without LABS, all labs are built.
    """
    from autograder.cli.commands import build_course

    build_course(labs, check=check, run_keys=not no_run)


@main.command()
@click.argument("lab", required=False)
@click.option(
    "--new", "notebook", type=_EXISTING, metavar="NOTEBOOK", help="Write a known answer from this notebook instead."
)
@_jobs_option
def prove(lab: str | None, notebook: Path | None, jobs: int | None) -> None:
    """Grade the known answers of the course and compare.

    Known answers lie in solutions/known/LAB/right and wrong, one small TOML file each: what a student wrote, and the
    questions that must lose points for it. Exit code 1 if one loses anything else.
    """
    from autograder.cli.prove import add_known_answer, prove_course

    if notebook is not None:
        add_known_answer(notebook)
        return
    sys.exit(prove_course(lab, jobs=jobs))


@main.command()
@click.argument("notebook", type=_EXISTING)
@_grading_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of a table.")
@click.option("--html", "page", type=_EXISTING, metavar="FILE", help="Also write the page a student would get.")
@_anonymous
def check(notebook: Path, as_json: bool, page: Path | None, anonymous: bool, **options: Any) -> None:
    """Grade one notebook and say why each point was lost."""
    from autograder.cli.commands import GradingOptions, check_notebook

    check_notebook(notebook, GradingOptions(**options), as_json=as_json, page=page, anonymous=anonymous)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="PATH…")
@click.option("-o", "--output", type=_EXISTING, required=True, metavar="DIR", help="Folder for the results.")
@_grading_options
@_jobs_option
@click.option("--cluster", metavar="ADDRESS", help="Grade on the workers of the Dask scheduler there.")
@click.option(
    "--regrade", multiple=True, metavar="ID", help="Grade this submission even if nothing has changed (repeatable)."
)
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    help="Where PATH comes from, if that is not recognised: a platform's download, or plain files.",
)
@_anonymous
@_counting_options
@click.option("--all", "every_row", is_flag=True, help="Print every row, also of a class of more than 40.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON, one a line, instead of a table.")
def grade(
    paths: tuple[Path, ...],
    output: Path,
    jobs: int | None,
    cluster: str | None,
    regrade: tuple[str, ...],
    source: Source | None,
    anonymous: bool,
    every_row: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Grade files, folders and zips of submissions, in parallel.

    What was graded into DIR before and has not changed is not graded again, so a run that was stopped goes on where
    it was.
    """
    from autograder.cli.commands import ClassOptions, GradingOptions, grade_class

    course = ClassOptions(jobs, cluster, regrade, anonymous, _counting(options), source)
    sys.exit(grade_class(paths, output, GradingOptions(**options), course, as_json=as_json, every_row=every_row))


@main.command()
@click.argument("folder", type=_EXISTING, metavar="DIR")
@_anonymous
@_counting_options
@click.option("--canvas", type=_EXISTING, metavar="FILE.csv", help="Fill Canvas's gradebook: writes DIR/canvas.csv.")
@click.option("--canvas-column", metavar="NAME", help="The column, where the lab's title does not say which.")
@click.option("--moodle", type=_EXISTING, metavar="FILE.csv", help="Fill Moodle's grading worksheet: DIR/moodle.csv.")
@click.option("--moodle-feedback", is_flag=True, help="Pack the pages as Moodle takes them: DIR/moodle-feedback.zip.")
@click.option("--gradescope", is_flag=True, help="Also write DIR/submissions/ID/results.json as Gradescope reads it.")
@click.option("--lab", metavar="NAME", help="The lab a gradebook is filled with, where there are several.")
@click.option("--all", "every_row", is_flag=True, help="Print every row, also of a class of more than 40.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers about the class as JSON instead of tables.")
def report(folder: Path, anonymous: bool, every_row: bool, as_json: bool, **options: Any) -> None:
    """Write scores, report and gradebook files from the results in DIR."""
    from autograder.cli.class_report import report_class
    from autograder.cli.exports import ExportOptions

    counting = _counting(options)
    report_class(folder, counting, ExportOptions(**options), anonymous=anonymous, as_json=as_json, every_row=every_row)


@main.command(hidden=True)
@click.argument("upload", type=_EXISTING)
@click.argument("results", type=_EXISTING)
@click.option("-a", "--autograder", "zip_path", type=_EXISTING, required=True, metavar="FILE.zip")
@click.option("--solution", type=_EXISTING, metavar="NOTEBOOK", help="To take its recorded trainings over.")
@click.option("--metadata", type=_EXISTING, metavar="FILE", help="Gradescope's submission_metadata.json.")
@click.option(
    "--hidden",
    type=click.Choice(VISIBILITIES),
    default="after_published",
    show_default=True,
    help="When students see hidden checks.",
)
@click.option("--isolation", type=click.Choice(("best", *LEVELS)), default="best", show_default=True)
@click.option("--rehearse", is_flag=True, help="UPLOAD is the solution: record its trainings, expect every point.")
def gradescope(upload: Path, results: Path, zip_path: Path, **options: Any) -> None:
    """Grade a student's UPLOAD to Gradescope and write RESULTS (results.json).

    What run_autograder in dist/NAME-gradescope.zip calls; see docs/gradescope.md.
    """
    from autograder.cli.gradescope_upload import Order, grade_upload

    sys.exit(grade_upload(upload, results, Order(zip_path, **options), click.echo))


@main.command()
@click.option(
    "-o",
    "--output",
    type=_EXISTING,
    default=Path("demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for the class and its results; what is in them is replaced.",
)
@_jobs_option
def demo(output: Path, jobs: int | None) -> None:
    """Make a small class with known fates, grade it, show the marks."""
    from autograder.cli.demo import run_demo

    sys.exit(run_demo(output, jobs=jobs))


@main.command()
@click.option(
    "--ipython",
    "folder",
    type=_EXISTING,
    metavar="DIR",
    help="Also write there an IPython profile that serves MNIST to stock tools, offline.",
)
@click.option(
    "--npz",
    type=_EXISTING,
    metavar="FILE",
    help="Also write MNIST there (11 MB), to be handed out: as mnist.npz beside a notebook it replaces the download.",
)
@click.option("--json", "as_json", is_flag=True, help="Print where the files are as JSON.")
def data(folder: Path | None, npz: Path | None, as_json: bool) -> None:
    """Fetch MNIST, verify it, keep it for all runs."""
    from autograder.cli.commands import fetch_data

    fetch_data(folder, npz, as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
def doctor(as_json: bool) -> None:
    """Say what this machine can and cannot do."""
    from autograder.cli.doctor import examine

    sys.exit(examine(as_json=as_json))
