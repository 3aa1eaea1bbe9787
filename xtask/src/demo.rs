//! Shows the main job.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::package;
use crate::process::say;
use crate::project::Project;

/// Packs what changed, then runs the demo on this terminal and ends as it ends.
///
/// # Errors
///
/// The package cannot be made, or Node cannot be started.
pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let tarball = package::pack(project)?;
    package::install(project, &tarball)?;
    say("Running examples/demo/demo.js");
    let status =
        project.command("node").arg("examples/demo/demo.js").status().context("cannot start node")?;
    // Without a code it was ended by a signal, which is no success either.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
