//! chainrule on the command line: arguments in, a command's result to stdout, an exit status.
//!
//! Everything else is on stderr. No other crate of the workspace prints, reads arguments, or exits.

mod arguments;
mod calls;
mod commands;
mod config;
mod curves;
mod drawing;
mod expression;
mod formulas;
mod graph_page;
mod heat_map;
mod indices;
mod interrupt;
mod live;
mod outcome;
mod progress;
mod rehearsal;
mod series;
mod significant;
mod table;
mod whole_file;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Train neural networks on the machine you have: exact, fast, inspectable.
#[derive(Parser)]
#[command(
    name = "chainrule",
    version,
    after_help = "Without any data, on the digits inside the program:  chainrule train"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    Train(Box<commands::train::TrainArgs>),
    Tune(commands::tune::TuneArgs),
    Test(commands::test::TestArgs),
    Predict(commands::predict::PredictArgs),
    Trace(commands::trace::TraceArgs),
    Doctor(commands::doctor::DoctorArgs),
    Report(commands::report::ReportArgs),
    Compare(commands::compare::CompareArgs),
    Data(commands::data::DataArgs),
    Check(commands::check::CheckArgs),
    Diff(commands::diff::DiffArgs),
    Plan(commands::plan::PlanArgs),
    Bench(commands::bench::BenchArgs),
    List(commands::list::ListArgs),
}

fn main() -> ExitCode {
    // What is told of a panic would go with the second screen.
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        live::screen::leave();
        tell(panic);
    }));
    let arguments = match config::expand(&Cli::command(), std::env::args_os().collect()) {
        Ok(arguments) => arguments,
        Err(error) => return outcome::of(Err(error.into())),
    };
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return outcome::arguments(&error),
    };
    outcome::of(match &cli.command {
        None => Cli::command().print_help().map_err(Into::into),
        Some(Command::Train(args)) => commands::train::run(args),
        Some(Command::Tune(args)) => commands::tune::run(args),
        Some(Command::Test(args)) => commands::test::run(args),
        Some(Command::Predict(args)) => commands::predict::run(args),
        Some(Command::Trace(args)) => commands::trace::run(args),
        Some(Command::Doctor(args)) => commands::doctor::run(args),
        Some(Command::Report(args)) => commands::report::run(args),
        Some(Command::Compare(args)) => commands::compare::run(args),
        Some(Command::Data(args)) => commands::data::run(args),
        Some(Command::Check(args)) => commands::check::run(args),
        Some(Command::Diff(args)) => commands::diff::run(args),
        Some(Command::Plan(args)) => commands::plan::run(args),
        Some(Command::Bench(args)) => commands::bench::run(args),
        Some(Command::List(args)) => commands::list::run(args),
    })
}
