//! The program, started in a folder of its own.

use assert_cmd::Command;
use tempfile::TempDir;

pub(crate) fn chainrule(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = assert_cmd::cargo::cargo_bin_cmd!("chainrule");
    command.current_dir(folder.path()).args(arguments);
    command
}
