"""The command `autograder`.

Heavy imports happen inside commands, so that --help is fast.
"""

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
_AFTER_STOP = {
    "grade": " Results so far are kept; run the same command again to continue.",
    "demo": " The next `autograder demo` starts from the beginning.",
}


class _Command(click.Group):
    """Report the kit's errors with a hint and the exit code of their class."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the commands in definition order instead of alphabetically."""
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
            click.echo(f"\nStopped.{_AFTER_STOP.get(ctx.invoked_subcommand or '', '')}", err=True)
            sys.exit(1)


def _grading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options shared by `check` and `grade`."""
    options = (
        click.option("--lab", metavar="NAME", help="Lab of notebooks that do not name their lab."),
        click.option(
            "-a",
            "--autograder",
            "zip_path",
            type=_EXISTING,
            metavar="FILE.zip",
            help="Use this otter autograder zip instead of the course's labs.",
        ),
        click.option(
            "--seconds", type=click.FloatRange(min=1), metavar="N", help="Time limit per notebook, in seconds."
        ),
        click.option(
            "--memory-mb", type=click.IntRange(min=512), metavar="N", help="Memory limit per notebook, in MiB."
        ),
        click.option(
            "--limit",
            "limits",
            multiple=True,
            metavar="NAME=NUMBER",
            help="Another limit of the lab's TOML file, for example scratch_mb=512 (repeatable).",
        ),
        click.option(
            "--isolation",
            type=click.Choice(LEVELS),
            default="full",
            show_default=True,
            help="full: require all layers; basic: use the available layers; none: only a process with limits.",
        ),
        click.option("--retrain", is_flag=True, help="Train in every notebook; never reuse the solution's training."),
    )
    for option in reversed(options):
        command = option(command)
    return command


_jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of submissions graded in parallel (default: number of processors).",
)


def _counting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options shared by `grade` and `report`: corrections and lateness."""
    options = (
        click.option(
            "--override",
            type=_EXISTING,
            metavar="FILE.csv",
            help="Manual corrections and marks, with columns submission,question,points,reason, such as "
            "DIR/to-review.csv.",
        ),
        click.option(
            "--times",
            type=_EXISTING,
            metavar="FILE.csv",
            help="Submission times, with columns submission,time, or Moodle's grading worksheet.",
        ),
        click.option(
            "--extensions",
            type=_EXISTING,
            metavar="FILE.csv",
            help="Extensions of single students, with columns student,due; due is a time or a number of days.",
        ),
        click.option(
            "--due",
            metavar="TIME",
            help='Due time, for example "2026-10-05 23:59 Europe/Berlin"; none: no submission is late.',
        ),
        click.option(
            "--grace",
            "grace_minutes",
            type=click.FloatRange(min=0),
            metavar="MINUTES",
            help="Minutes after the due time without a deduction.",
        ),
        click.option(
            "--percent-per-day",
            type=click.FloatRange(0, 100),
            metavar="PERCENT",
            help="Deduction for every day started after the due time.",
        ),
        click.option(
            "--late-cap",
            "cap_percent",
            type=click.FloatRange(0, 100),
            metavar="PERCENT",
            help="Largest late deduction.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _counting(options: dict[str, Any]) -> Any:
    """Extract the options of `_counting_options` from a command's options."""
    from autograder.cli.class_report import CountingOptions
    from autograder.labs.lateness import LateOptions

    late = {name: options.pop(name) for name in ("due", "grace_minutes", "percent_per_day", "cap_percent")}
    return CountingOptions(
        options.pop("override"), options.pop("times"), LateOptions(**late), options.pop("extensions")
    )


_anonymous = click.option("--anonymous", is_flag=True, help="Omit the submission's name from the feedback page.")


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autograder")
def main() -> None:
    """Auto-graded first lessons in deep learning.

    Student code and tests never run in the same process.

    First time here? Run `autograder doctor` to check this machine and `autograder demo` to see an example.
    """


@main.command()
@click.argument("folder", type=_EXISTING)
@click.option("--example", default="blank", show_default=True, metavar="NAME", help="Example to start from; see below.")
def new(folder: Path, example: str) -> None:
    """Create a course in FOLDER.

    The example `blank` is a small lab to replace with your own: a table, a function and a choice. `mnist_dense`,
    `single_layer` and `from_scratch` are the labs of the kit, with their known answers.
    """
    from autograder.cli.commands import begin_course

    begin_course(folder, example)


@main.command()
@click.argument("labs", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit with code 1 if a generated file is outdated.")
@click.option("--no-run", is_flag=True, help="Do not run the answer keys to verify that they earn full marks.")
@click.option(
    "--update-translations",
    is_flag=True,
    help="Only update solutions/locale/*/NAME.po from the masters: new texts are empty, changed ones marked fuzzy.",
)
def build(labs: tuple[str, ...], check: bool, no_run: bool, update_translations: bool) -> None:
    """Generate notebooks and autograders from the masters in solutions/.

    Student notebooks are written to assignment/, autograder zips and executed answer keys to dist/. The keys are graded
    in the sandbox: each must earn full marks, and the untouched notebook none. Without LABS, all labs are built.
    """
    from autograder.cli.commands import build_course, translate_course

    if update_translations:
        translate_course(labs)
        return
    build_course(labs, check=check, run_keys=not no_run)


@main.command()
@click.argument("lab", required=False)
@click.option(
    "--new", "notebook", type=_EXISTING, metavar="NOTEBOOK", help="Write a known answer from this notebook instead."
)
@_jobs_option
def prove(lab: str | None, notebook: Path | None, jobs: int | None) -> None:
    """Grade the known answers of the course and compare their marks.

    Known answers are TOML files in solutions/known/LAB/right and wrong, each with the code of a student and the
    questions that must lose points for it. The exit code is 1 if a known answer loses points elsewhere, or too few.
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
@click.option("--html", "page", type=_EXISTING, metavar="FILE", help="Also write the student's feedback page.")
@_anonymous
def check(notebook: Path, as_json: bool, page: Path | None, anonymous: bool, **options: Any) -> None:
    """Grade one notebook and explain every lost point."""
    from autograder.cli.commands import GradingOptions, check_notebook

    check_notebook(notebook, GradingOptions(**options), as_json=as_json, page=page, anonymous=anonymous)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="PATH…")
@click.option("-o", "--output", type=_EXISTING, required=True, metavar="DIR", help="Folder for the results.")
@_grading_options
@_jobs_option
@click.option("--cluster", metavar="ADDRESS", help="Grade on a Dask cluster with this scheduler address.")
@click.option(
    "--regrade",
    multiple=True,
    metavar="ID",
    help="Grade this submission again even if it has not changed (repeatable).",
)
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    help="Origin of PATH if it is not recognised: a platform's download, or plain files.",
)
@_anonymous
@_counting_options
@click.option("--all", "every_row", is_flag=True, help="Print every row, also for more than 40 submissions.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON Lines instead of a table.")
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
    """Grade files, folders and zips of submissions in parallel.

    Submissions that were already graded into DIR and have not changed are not graded again, so an interrupted run can
    be continued with the same command.
    """
    from autograder.cli.commands import ClassOptions, GradingOptions, grade_class

    course = ClassOptions(jobs, cluster, regrade, anonymous, _counting(options), source)
    sys.exit(grade_class(paths, output, GradingOptions(**options), course, as_json=as_json, every_row=every_row))


@main.command()
@click.argument("folder", type=_EXISTING, metavar="DIR")
@_anonymous
@_counting_options
@click.option("--canvas", type=_EXISTING, metavar="FILE.csv", help="Fill in Canvas's gradebook: writes DIR/canvas.csv.")
@click.option(
    "--canvas-groups",
    type=_EXISTING,
    metavar="FILE.csv",
    help="Canvas's roster of a group set: fill in all members of a group that submitted.",
)
@click.option(
    "--canvas-column", metavar="NAME", help="Column of the gradebook, if the lab's title does not identify it."
)
@click.option(
    "--moodle", type=_EXISTING, metavar="FILE.csv", help="Fill in Moodle's grading worksheet: writes DIR/moodle.csv."
)
@click.option(
    "--moodle-feedback", is_flag=True, help="Pack the feedback pages for Moodle: writes DIR/moodle-feedback.zip."
)
@click.option("--gradescope", is_flag=True, help="Write Gradescope's results: DIR/submissions/ID/results.json.")
@click.option("--lab", metavar="NAME", help="Lab to fill a gradebook with, if there are several.")
@click.option("--all", "every_row", is_flag=True, help="Print every row, also for more than 40 submissions.")
@click.option("--json", "as_json", is_flag=True, help="Print the class summary as JSON instead of tables.")
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
@click.option("--solution", type=_EXISTING, metavar="NOTEBOOK", help="Reuse its recorded trainings.")
@click.option("--metadata", type=_EXISTING, metavar="FILE", help="Gradescope's submission_metadata.json.")
@click.option(
    "--hidden",
    type=click.Choice(VISIBILITIES),
    default="after_published",
    show_default=True,
    help="When students see the results of hidden checks.",
)
@click.option("--isolation", type=click.Choice(("best", *LEVELS)), default="best", show_default=True)
@click.option("--rehearse", is_flag=True, help="UPLOAD is the solution: record its trainings and expect full marks.")
def gradescope(upload: Path, results: Path, zip_path: Path, **options: Any) -> None:
    """Grade a student's UPLOAD to Gradescope and write RESULTS (results.json).

    Called by run_autograder of dist/NAME-gradescope.zip; see docs/gradescope.md.
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
    help="Folder for the class and its results; existing contents are replaced.",
)
@_jobs_option
def demo(output: Path, jobs: int | None) -> None:
    """Create a small example class, grade it and show the results."""
    from autograder.cli.demo import run_demo

    sys.exit(run_demo(output, jobs=jobs))


@main.command()
@click.option(
    "--ipython",
    "folder",
    type=_EXISTING,
    metavar="DIR",
    help="Also write an IPython profile that serves MNIST to stock tools, offline.",
)
@click.option(
    "--npz",
    type=_EXISTING,
    metavar="FILE",
    help="Also write MNIST to a file for students (11 MB); as mnist.npz next to a notebook, it replaces the download.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the paths as JSON.")
def data(folder: Path | None, npz: Path | None, as_json: bool) -> None:
    """Download and verify MNIST, and keep it in the cache."""
    from autograder.cli.commands import fetch_data

    fetch_data(folder, npz, as_json=as_json)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check what this machine supports."""
    from autograder.cli.doctor import examine

    sys.exit(examine(as_json=as_json))
