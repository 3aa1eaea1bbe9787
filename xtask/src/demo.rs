//! Runs the demo.

use std::process::{Command, ExitCode};

use anyhow::{Context, Error, Result};

use crate::package;
use crate::process::say;
use crate::project::Project;

/// Packs the package if it changed, and replaces this process by the demo, with its arguments and its exit status.
///
/// # Errors
///
/// The package cannot be built, or Node cannot be started.
pub(crate) fn run(project: &Project, arguments: &[&str]) -> Result<ExitCode> {
    let tarball = package::pack(project)?;
    package::install(project, &tarball)?;
    say("Running examples/demo/demo.js");
    become_program(project.command("node").arg("examples/demo/demo.js").args(arguments))
        .context("cannot start node")
}

/// Replaces this process, so that Ctrl-C ends only the demo, and the shell waits for its end.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(Error::new(command.exec()))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    // A process without an exit code was ended by a signal, which counts as a failure.
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
