"""The command `experiment paper`: the whole case study of the paper, written to a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from market.app.analysis.economics import Economy, economics_tables, economy_of
from market.app.analysis.paper.case_study import MODELLED_VPP, CaseStudy, case_study, check_vpps
from market.app.analysis.paper.facts import facts_table
from market.app.analysis.paper.models import model_dispatch_table, models_table
from market.app.analysis.paper.robustness import SHARE, DrawnFacts, draw_all, draws_table, robustness_table
from market.app.analysis.paper.tables import allocation_table, scenarios_table, selection_table, tariff_table
from market.app.analysis.sensitivity import Sweep, sweep_tables, sweeps
from market.app.cli.console import echo, echo_error
from market.app.cli.experiment.options import StudyOptions
from market.app.cli.experiment.study import Study, study
from market.app.report.printed import printed
from market.app.results.concluded_day import ConcludedDay
from market.app.results.manifest import RunSpec
from market.app.results.table import Table
from market.app.results.telling import telling_of
from market.app.runs.in_process import run_in_process
from market.app.runs.run_day import run_day
from market.scenario.scenario import Scenario


@dataclass(frozen=True, slots=True)
class PaperResults:
    """Everything that the case study's folder holds."""

    report: ConcludedDay
    case: CaseStudy
    economy: Economy
    draws: tuple[DrawnFacts, ...]
    sweeps: tuple[Sweep, ...]
    tables: dict[str, Table]


def paper_command(options: StudyOptions) -> int:
    """Carry out the case study and show what holds. Raises MarketError; the exit code is that of the main run."""
    scenario = options.load()
    check_vpps(scenario)
    with study(options.out, f"paper-{scenario.name}", telling_of(scenario), quiet=options.quiet) as under_way:
        results = paper_results(under_way, scenario, options)
        _illustrate(under_way, results)
    if not options.quiet:
        echo(
            under_way.told.text(paper_text(results)) + f"Everything in full precision: {under_way.path}\n",
            styled=True,
        )
    for law in results.report.broken_laws:
        echo_error(f"error: {law}")
    return results.report.exit_code


def paper_results(under_way: Study, scenario: Scenario, options: StudyOptions) -> PaperResults:
    """Everything computed and every table written."""
    what = RunSpec(scenario, options.seed, True, under_way.started)
    run = run_day(what, run_in_process, under_way.inside("run"), under_way.on_progress, under_way.since)
    under_way.stage("the paper's four models")
    case = case_study(scenario, run.outcome)
    under_way.stage("the cooperative optimum")
    economy = economy_of(scenario, run.outcome)
    asked = sweeps(scenario)
    draws = draw_all(scenario, _seeds(options), partial(under_way.solve_all, f"data disturbed by {SHARE:.0%}"))
    moved = sweep_tables(scenario, partial(under_way.solve_all, "sensitivities"), asked)
    tables = (*case_tables(case), *economics_tables(economy), *_robustness(case, draws), *moved)
    under_way.write(tables)
    return PaperResults(run, case, economy, draws, asked, {table.name: table for table in tables})


def case_tables(case: CaseStudy) -> tuple[Table, ...]:
    """Tables 1 to 5, the four plans, and the facts."""
    return (
        tariff_table(case.scenario.public.tariff),
        models_table(case.models, case.scenario.public.horizon.period_h),
        model_dispatch_table(case.models, MODELLED_VPP),
        allocation_table(case.outcome),
        selection_table(case.outcome),
        scenarios_table(case.settlement),
        facts_table(case.facts),
    )


def _illustrate(under_way: Study, results: PaperResults) -> None:
    """Draw every picture, write each for screen and print, and the report that holds them all."""
    from market.app.figures.picture import write_pictures
    from market.app.report.paper_drawing import drawing_jobs, render
    from market.app.report.paper_report import paper_page

    jobs = drawing_jobs(results.report.folder, results.tables, results.sweeps)
    parts = under_way.solve_all("drawing", render, jobs, "parts")
    pictures = [picture for part in parts for picture in part]
    under_way.stage("writing the report")
    write_pictures(pictures, under_way.path / "figures")
    page = paper_page(results.case.scenario.title, results.tables, pictures)
    under_way.folder.write("report.html", page.html())


def paper_text(results: PaperResults) -> str:
    """The four models, the two scenarios and the facts, for people."""
    models = printed(
        f"Table 2: {MODELLED_VPP} alone under four carbon models",
        results.tables["table2"],
        ("model", "carbon_mode", "operation_cny", "carbon_cny", "total_cny", "stepped_total_cny", "emission_t"),
        ("model", "carbon", "operation", "carbon CNY", "total CNY", "billed by steps", "emission t"),
    )
    scenarios = printed(
        "Table 5: Scenario 1, grid only; Scenario 2, the game",
        results.tables["table5"],
        ("vpp", "scenario", "operation_cny", "trade_cny", "carbon_cny", "total_cny"),
        ("", "scenario", "operation", "trade", "carbon CNY", "total CNY"),
    )
    facts = printed(
        "Facts: published and computed",
        results.tables["facts"],
        ("id", "statement", "published", "computed", "holds"),
        ("", "", "published", "computed", "holds"),
    )
    return f"{models}\n{scenarios}\n{facts}\n"


def _seeds(options: StudyOptions) -> range:
    return range(options.seed, options.seed + options.draws)


def _robustness(case: CaseStudy, draws: tuple[DrawnFacts, ...]) -> tuple[Table, ...]:
    return (robustness_table(case.facts, draws), draws_table(draws)) if draws else ()
