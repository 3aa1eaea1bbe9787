//! `cargo xtask bench`: compares the package with others.
//!
//! The programs in `bench/` measure, check their bounds and write BENCHMARKS.md. The other packages have a manifest and
//! a lock file there, so that tests need not install them.

use anyhow::{Result, bail};

use crate::process::{self, say};
use crate::project::Project;
use crate::{package, tools};

/// A benchmark.
#[derive(Debug)]
pub(crate) struct Bench {
    /// Its name for `cargo xtask bench`, and its folder below `bench/`.
    name: &'static str,
    /// The subject that it measures.
    about: &'static str,
    /// Its requirements besides Node.
    needs: Needs,
}

/// The requirements of a benchmark besides Node.
#[derive(Clone, Copy, Debug)]
enum Needs {
    Nothing,
    /// The browsers, their WebDriver programs and Redis.
    BrowsersAndRedis,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "fetch",
        about: "what a call costs more, and what expiries cost, beside other clients",
        needs: Needs::Nothing,
    },
    Bench { name: "memory", about: "what stays in memory after much use", needs: Needs::Nothing },
    Bench {
        name: "peers",
        about: "a held token, the start and the size, beside other keepers of tokens",
        needs: Needs::BrowsersAndRedis,
    },
    Bench { name: "sessions", about: "what a million sessions cost", needs: Needs::Nothing },
    Bench {
        name: "sharing",
        about: "what processes and tabs that share a token ask for, also when some are killed",
        needs: Needs::BrowsersAndRedis,
    },
];

/// Returns the benchmarks with these names, or all of them if `names` is empty.
///
/// # Errors
///
/// A name is unknown. The message lists the names.
pub(crate) fn named(names: &[&str]) -> Result<Vec<&'static Bench>> {
    if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|bench| bench.name != **name)) {
        bail!("no bench is called `{unknown}`; these are:\n{}", listing());
    }
    Ok(BENCHES.iter().filter(|bench| names.is_empty() || names.contains(&bench.name)).collect())
}

fn listing() -> String {
    let lines: Vec<String> =
        BENCHES.iter().map(|bench| format!("  {:<14} {}", bench.name, bench.about)).collect();
    lines.join("\n")
}

/// Packs and installs the package and the others, and runs the benchmarks. Continues after failures.
///
/// # Errors
///
/// `benches` is empty, or a benchmark fails or exceeds its bounds.
pub(crate) fn run(project: &Project, benches: &[&Bench]) -> Result<()> {
    let tarball = package::pack(project)?;
    package::install(project, &tarball)?;
    tools::npm_ci(project, FOLDER)?;
    process::run(project.npm_command("tsc").args(["--project", "bench/tsconfig.json"]))?;
    let mut failed = Vec::new();
    for bench in benches {
        say(&format!("Bench {}: {}", bench.name, bench.about));
        let program = project.path(FOLDER).join(bench.name).join("main.js");
        let mut command = project.command("node");
        if let Needs::BrowsersAndRedis = bench.needs {
            tools::debian(&[tools::CHROMIUM, tools::FIREFOX, tools::REDIS])?;
            command.env("GECKODRIVER", tools::GECKODRIVER.path()?);
        }
        if let Err(error) = process::run(command.arg(program)) {
            failed.push(format!("{}: {error:#}", bench.name));
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("\n"));
    }
    Ok(())
}

const FOLDER: &str = "bench";

#[cfg(test)]
mod tests {
    use super::{BENCHES, named};

    #[test]
    fn without_a_name_every_bench_runs() {
        assert_eq!(named(&[]).unwrap().len(), BENCHES.len());
        assert_eq!(named(&["fetch"]).unwrap().len(), 1);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = named(&["fetsh"]).unwrap_err().to_string();

        assert!(message.contains("`fetsh`") && message.contains("  fetch"));
    }
}
