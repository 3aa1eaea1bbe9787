//! Shows the main job.

use std::process::{Command, ExitCode};

use anyhow::{Context, Error, Result};

use crate::package;
use crate::process::say;
use crate::project::Project;

/// Packs what changed, then becomes the demo: on this terminal, with its arguments and its exit status.
///
/// # Errors
///
/// The package cannot be made, or Node cannot be started.
pub(crate) fn run(project: &Project, arguments: &[&str]) -> Result<ExitCode> {
    let tarball = package::pack(project)?;
    package::install(project, &tarball)?;
    say("Running examples/demo/demo.js");
    become_program(project.command("node").arg("examples/demo/demo.js").args(arguments))
        .context("cannot start node")
}

/// In place of this process, so that Ctrl-C ends the demo and nothing else, and the shell waits until it has.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(Error::new(command.exec()))
}

#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<ExitCode> {
    // Without a code it was ended by a signal, which is no success either.
    let code = command.status()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
