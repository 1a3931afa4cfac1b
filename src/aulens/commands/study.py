"""`aulens study run` and `aulens study table`: the papers' experiments and their tables."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from aulens.commands.options import MAX_WORKERS, Bootstrap, DetectorModel, DetectorName, Lists, Settings
from aulens.commands.prepare import stoppable
from aulens.commands.research import extras
from aulens.commands.tally import counted
from aulens.commands.terminal import to_stderr
from aulens.errors import ConfigError
from aulens.faces.registry import DEFAULT_DETECTOR, DetectorSpec

app = typer.Typer(
    help="Run the papers' experiments on a data set, and print their tables.", no_args_is_help=True
)


@app.command("run")
def run(
    study: Annotated[Path, typer.Argument(metavar="STUDY", help="TOML file; see configs/.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the study.")],
    root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The data set as delivered, which is examined and prepared first."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", "-d", metavar="DIR", help="Instead: the data set, prepared (aulens prepare)."),
    ] = None,
    tested_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="If another data set is tested: it, as delivered.")
    ] = None,
    tests: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead: the tested data set, prepared.")
    ] = None,
    lists: Lists = None,
    settings: Settings = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=MAX_WORKERS, metavar="N", help="Trainings at the same time.")
    ] = 1,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_WORKERS,
            metavar="N",
            help="Number of threads of each training.",
            show_default="as configured",
        ),
    ] = None,
    share: Annotated[
        str, typer.Option(metavar="I/N", help="Do only every N-th run from the I-th on, for N machines.")
    ] = "1/1",
    select_on_test: Annotated[
        bool,
        typer.Option(
            "--select-on-test",
            help="Choose epochs and thresholds on the test subjects, as much of the literature does; these "
            "numbers are marked.",
        ),
    ] = False,
    despite_doctor: Annotated[
        bool,
        typer.Option("--despite-doctor", help="Go on though the data can't give the published protocol."),
    ] = False,
    detector: DetectorName = DEFAULT_DETECTOR,
    detector_model: DetectorModel = None,
) -> None:
    """Examine and prepare the data, train and test what is missing, and print the tables.

    If it is stopped, the same command goes on. Progress goes to standard error, tables to standard output.
    """
    part = _share(share)
    console = to_stderr()

    def say(text: str) -> None:
        console.print(text, markup=False)

    with extras("train"), stoppable(console):
        from aulens.data.prepared import read_about
        from aulens.files import disk_errors, write_json
        from aulens.study.checks import check_data, check_settings
        from aulens.study.config import load_study
        from aulens.study.planning import plan_runs
        from aulens.study.ready import make_ready
        from aulens.study.report import ABOUT, describe_study
        from aulens.study.runner import run_study

        if lists and not (root or tested_root):
            raise ConfigError("--lists is for a data set as delivered: give --root too, or leave it out.")
        chosen = [*(settings or ()), *(["data.select_on_test=true"] if select_on_test else [])]
        plan = load_study(study, chosen)
        check_settings(plan, out)
        folders = [
            make_ready(
                name,
                delivered,
                prepared,
                out / kind,
                plan.prepare,
                reader=reader,
                lists=lists,
                despite_doctor=despite_doctor,
                detector=DetectorSpec(detector, detector_model),
                say=say,
            )
            for name, reader, delivered, prepared, kind in (
                (plan.dataset, plan.reader, root, data, "data"),
                (plan.tested, plan.tested_reader, tested_root, tests, "tests"),
            )
        ]
        assert folders[0] is not None  # a study has a data set
        runs = plan_runs(plan, out, folders[0], folders[1])
        check_data(runs)
        renders = bool(read_about(folders[1] or folders[0]).get("renders"))
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / ABOUT, describe_study(plan, renders))
        with disk_errors(out, "the same command"):
            failures = run_study(runs, out, share=part, jobs=jobs, threads=threads, say=say)
    if failures:
        say(f"{counted(len(failures), 'run')} failed; the same command tries again.")
    _print_tables(out, None, "terminal", 1000)
    if failures:
        raise typer.Exit(1)


@app.command("table")
def table(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of `aulens study run`.")],
    tables: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            "-t",
            metavar="NAME",
            help="A1 to A4 (paper A's Tables 1 to 4) or B1 (paper B's Table 1), repeatable.",
            show_default="the study's",
        ),
    ] = None,
    format: Annotated[
        Literal["terminal", "markdown", "latex", "csv"],
        typer.Option("--format", "-f", help="Format to print in."),
    ] = "terminal",
    bootstrap: Bootstrap = 1000,
) -> None:
    """Print a study's tables beside the published numbers; of an unfinished study, what there is."""
    _print_tables(out, tables, format, bootstrap)


def _print_tables(out: Path, tables: list[str] | None, format: str, bootstrap: int) -> None:
    with extras():
        from aulens.study.report import study_tables, write_tables

        for text in write_tables(study_tables(out, tables, bootstrap), format):
            typer.echo(text, nl=format != "csv")


def _share(text: str) -> tuple[int, int]:
    first, slash, of = text.partition("/")
    if not (slash and first.isdecimal() and of.isdecimal() and 1 <= int(first) <= int(of)):
        raise ConfigError(f"--share must be I/N with 1 <= I <= N, as 2/4; got {text!r}.")
    return int(first), int(of)
