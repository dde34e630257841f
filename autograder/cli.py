"""The command `autograder`. Imports nothing heavy until a command needs it, so that --help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autograder import __version__
from autograder.errors import KitError
from autograder.sandbox.layers import LEVELS
from autograder.stopping import stop_in_order
from autograder.visibility import VISIBILITIES

_EXISTING = click.Path(path_type=Path)


class _Command(click.Group):
    """Turns the kit's own errors into a message, the helping command and the exit code of their class."""

    def invoke(self, ctx: click.Context) -> Any:
        stop_in_order()
        try:
            return super().invoke(ctx)
        except KitError as error:
            click.secho(f"Error: {error}", fg="red", err=True)
            if error.hint:
                click.echo(f"  Try: {error.hint}", err=True)
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo("\nStopped. What was graded so far is kept; the same command goes on from there.", err=True)
            sys.exit(1)


def _grading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options shared by `check` and `grade`."""
    options = (
        click.option("--lab", metavar="NAME", help="The lab to take where a notebook does not say which it is."),
        click.option(
            "-a", "--autograder", "zip_path", type=_EXISTING, metavar="FILE.zip", help="Any otter autograder zip."
        ),
        click.option("--seconds", type=click.FloatRange(min=1), help="Wall-clock limit of one notebook."),
        click.option("--memory-mb", type=click.IntRange(min=512), help="Memory limit of one notebook, in MiB."),
        click.option(
            "--limit",
            "limits",
            multiple=True,
            metavar="NAME=NUMBER",
            help="Any other limit of the lab's TOML, for example scratch_mb=512; may be given several times.",
        ),
        click.option(
            "--isolation",
            type=click.Choice(LEVELS),
            default="full",
            show_default=True,
            help="basic: with the layers this machine has; none: a process of its own with limits only.",
        ),
        click.option("--retrain", is_flag=True, help="Train for real also where the solution has trained the same."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="autograder")
def main() -> None:
    """Auto-graded first lessons in deep learning.

    Students' code and the tests never share a process.
    """


@main.command()
@click.argument("labs", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a generated file is not current.")
def build(labs: tuple[str, ...], check: bool) -> None:
    """Make student notebooks, solutions and autograders from the masters in solutions/."""
    from autograder.commands import build_course

    build_course(labs, check=check)


@main.command()
@click.argument("notebook", type=_EXISTING)
@_grading_options
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON instead of a table.")
def check(notebook: Path, as_json: bool, **options: Any) -> None:
    """Grade one notebook here and now, with the reason for every lost point."""
    from autograder.commands import GradingOptions, check_notebook

    check_notebook(notebook, GradingOptions(**options), as_json=as_json)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=_EXISTING, metavar="PATH…")
@click.option("-o", "--output", type=_EXISTING, required=True, metavar="DIR", help="Folder for the results.")
@_grading_options
@click.option("--jobs", type=click.IntRange(min=1), help="Submissions graded at once (default: one per processor).")
@click.option("--cluster", metavar="ADDRESS", help="Grade on the workers of the Dask scheduler there.")
@click.option(
    "--regrade", multiple=True, metavar="ID", help="Grade this submission even if nothing has changed (repeatable)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON lines instead of a table.")
def grade(
    paths: tuple[Path, ...],
    output: Path,
    jobs: int | None,
    cluster: str | None,
    regrade: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Grade files, folders and zips of submissions, in parallel.

    What was graded into DIR before and has not changed is not graded again, so a run that was stopped goes on where
    it was.
    """
    from autograder.commands import ClassOptions, GradingOptions, grade_class

    sys.exit(
        grade_class(paths, output, GradingOptions(**options), ClassOptions(jobs, cluster, regrade), as_json=as_json)
    )


@main.command()
@click.argument("folder", type=_EXISTING, metavar="DIR")
@click.option("--gradescope", is_flag=True, help="Also write DIR/submissions/ID/results.json as Gradescope reads it.")
def report(folder: Path, gradescope: bool) -> None:
    """Write scores.csv and report.html anew from the results in DIR."""
    from autograder.commands import report_class

    report_class(folder, gradescope=gradescope)


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
    from autograder.gradescope import Order, grade_upload

    sys.exit(grade_upload(upload, results, Order(zip_path, **options), click.echo))


@main.command()
@click.option("-o", "--output", type=_EXISTING, default=Path("demo"), show_default=True, metavar="DIR")
@click.option("--jobs", type=click.IntRange(min=1), help="Submissions graded at once (default: one per processor).")
def demo(output: Path, jobs: int | None) -> None:
    """Build, make a small class with known fates, grade it and show the marks."""
    from autograder.demo import run_demo

    sys.exit(run_demo(output, jobs=jobs))


@main.command()
@click.option(
    "--ipython", "folder", type=_EXISTING, metavar="DIR", help="Also write an IPython profile for stock tools."
)
def data(folder: Path | None) -> None:
    """Fetch and verify MNIST into the cache."""
    from autograder.commands import fetch_data

    fetch_data(folder)


@main.command()
def doctor() -> None:
    """Say what this machine can and cannot do."""
    from autograder.doctor import examine

    sys.exit(examine())
