//! `chainrule report`: a run as one page of HTML.

use std::path::PathBuf;

use chainrule::Run;
use clap::Args;

use super::trace::write;
use crate::outcome::tell;

/// Show a run as a page
///
/// Every training writes RUN/report.html: curves, the confusion matrix, the worst mistakes, how each layer did, and the command that makes
/// the run again, in one file that needs no network. This writes it anew, in place or to FILE.
#[derive(Args)]
#[command(after_help = "\
Examples:
  chainrule report runs/digits-1
  chainrule report runs/digits-1 --out digits.html")]
pub(crate) struct ReportArgs {
    /// The folder that `chainrule train` wrote
    run: PathBuf,
    /// Where the page goes [default: RUN/report.html]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Writes the page, and says where it is.
pub(crate) fn run(args: &ReportArgs) -> anyhow::Result<()> {
    let page = Run::open(&args.run)?.report()?;
    let path = args.out.clone().unwrap_or_else(|| args.run.join("report.html"));
    write(&path, &page)?;
    tell(&format!("wrote {}: open it in a browser", path.display()));
    Ok(())
}
