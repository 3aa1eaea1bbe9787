//! Builds the npm package, and installs it for the JavaScript tests.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::{tools, wasm};

/// The folder with the content of the package.
pub(crate) const FOLDER: &str = "target/npm/package";

/// The command line of the installed package.
pub(crate) const PROGRAM: &str = "node_modules/graphql-token-manager/bin/graphql-token-manager.js";

/// Builds the core and the content of the package.
///
/// # Errors
///
/// A tool is missing and cannot be installed, or a step fails.
pub(crate) fn build() -> Result<()> {
    tools::npm_ci(".")?;
    wasm::build()?;
    say("Bundling the package");
    let bundle = ["xtask/scripts/bundle.js", env!("CARGO_PKG_VERSION"), tools::NIGHTLY];
    process::run(Command::new("node").args(bundle))
}

/// Builds the package, installs it into `node_modules`, and returns the path of the tarball.
///
/// # Errors
///
/// A step fails, the package contains other files than `files.txt`, or a file exceeds its budget.
pub(crate) fn pack() -> Result<String> {
    build()?;
    let tarball = process::output(Command::new("node").arg("xtask/scripts/pack.js"))?.trim().to_owned();
    say("Installing the package into node_modules");
    let installed = "node_modules/graphql-token-manager";
    // Without this folder, npm unpacks a tarball with the name and version of the installed package.
    if fs::exists(installed)? {
        fs::remove_dir_all(installed).with_context(|| format!("cannot remove {installed}"))?;
    }
    let mut install = Command::new("npm");
    install.args(["install", "--no-save", "--ignore-scripts"]).args(tools::QUIET_NPM).arg(&tarball);
    process::run(install.stdout(Stdio::from(std::io::stderr())))?;
    Ok(tarball)
}

/// Builds the documentation site, which contains the installed package, and checks its links. `options` may ask to
/// serve it.
///
/// # Errors
///
/// A step fails, an option is unknown, or a link leads to no page or no heading.
pub(crate) fn docs(options: &[&str]) -> Result<()> {
    tools::npm_ci("docs/site")?;
    say("Building the documentation site");
    process::run(Command::new("node").arg("docs/site/build.js").args(options))
}
