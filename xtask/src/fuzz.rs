//! `cargo xtask fuzz`: runs generated inputs against the installed package.
//!
//! A target is a file in `fuzz/targets` with the generator of the inputs and the properties that must hold for each.
//! Its failures are stored in `fuzz/corpus`, which every run tries first.

use std::process::Output;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::count::Counts;
use crate::process::say;
use crate::project::{self, Project};
use crate::{package, tools};

/// The folder of the targets.
const TARGETS: &str = "fuzz/targets";
/// Default duration of each target, in seconds.
const SECONDS: u32 = 60;
/// Number of targets that run at the same time, for a machine with two cores.
const AT_A_TIME: usize = 2;

/// The targets to run, and how.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    targets: Vec<String>,
    seconds: u32,
    /// The options `--seed` and `--path` that a failure prints, which run the same cases again.
    again: Vec<String>,
}

impl Plan {
    /// Creates the plan to run every target for the default duration.
    ///
    /// # Errors
    ///
    /// There are no targets.
    pub(crate) fn usual(project: &Project) -> Result<Self> {
        Self::parse(&known(project)?, &[])
    }

    /// Parses `[TARGET...] [--time SECONDS] [--seed N] [--path P]`.
    ///
    /// # Errors
    ///
    /// A target or an option is unknown, or a number is invalid.
    pub(crate) fn of(project: &Project, words: &[&str]) -> Result<Self> {
        Self::parse(&known(project)?, words)
    }

    fn parse(known: &[String], words: &[&str]) -> Result<Self> {
        let mut plan = Self { targets: Vec::new(), seconds: SECONDS, again: Vec::new() };
        let mut words = words.iter();
        while let Some(&word) = words.next() {
            if !word.starts_with('-') {
                if known.iter().all(|name| name != word) {
                    bail!("no target is called `{word}`; these are: {}", known.join(", "));
                }
                plan.targets.push(word.to_owned());
                continue;
            }
            let value = words.next().with_context(|| format!("`{word}` needs a value"))?;
            match word {
                "--time" => {
                    plan.seconds = value.parse().context("`--time` takes a whole number of seconds")?;
                }
                "--seed" | "--path" => plan.again.extend([word.to_owned(), (*value).to_owned()]),
                _ => bail!("`fuzz` takes targets, `--time`, `--seed` and `--path`, not `{word}`"),
            }
        }
        if plan.targets.is_empty() {
            plan.targets = known.to_vec();
        }
        if plan.seconds == 0 || (plan.targets.len() > 1 && !plan.again.is_empty()) {
            bail!("`--time` is at least 1, and `--seed` and `--path` are those of one target");
        }
        Ok(plan)
    }
}

fn known(project: &Project) -> Result<Vec<String>> {
    let files = project::files_below(&project.path(TARGETS))?;
    Ok(files.iter().filter_map(|name| name.strip_suffix(".js")).map(str::to_owned).collect())
}

/// Packs and installs the package, and runs the plan.
///
/// # Errors
///
/// The package cannot be built, or Node cannot be started.
pub(crate) fn run(project: &Project, plan: &Plan) -> Result<Counts> {
    tools::npm_packages(project)?;
    let tarball = package::pack(project)?;
    package::install(project, &tarball)?;
    run_installed(project, plan)
}

/// Runs the plan against the installed package. Each target counts as one test.
///
/// # Errors
///
/// Node cannot be started.
pub(crate) fn run_installed(project: &Project, plan: &Plan) -> Result<Counts> {
    let mut counts = Counts::default();
    for targets in plan.targets.chunks(AT_A_TIME) {
        say(&format!("Fuzzing {} for {} s", targets.join(" and "), plan.seconds));
        let outputs: Vec<Result<Output>> = thread::scope(|scope| {
            let started: Vec<_> =
                targets.iter().map(|target| scope.spawn(move || fuzz(project, plan, target))).collect();
            started
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|_| bail!("a fuzzing thread panicked")))
                .collect()
        });
        for output in outputs {
            let output = output?;
            print!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
            counts += if output.status.success() { Counts::ONE_PASSED } else { Counts::ONE_FAILED };
        }
    }
    Ok(counts)
}

fn fuzz(project: &Project, plan: &Plan, target: &str) -> Result<Output> {
    project
        .command("node")
        .args(["fuzz/main.js", target, "--time", &plan.seconds.to_string()])
        .args(&plan.again)
        .output()
        .context("cannot start node")
}

#[cfg(test)]
mod tests {
    use super::{Plan, SECONDS};

    fn parse(words: &[&str]) -> anyhow::Result<Plan> {
        Plan::parse(&["answers".to_owned(), "fetch".to_owned()], words)
    }

    #[test]
    fn without_a_name_every_target_runs() {
        let plan = parse(&[]).unwrap();

        assert_eq!(
            (plan.targets.as_slice(), plan.seconds),
            (&["answers", "fetch"].map(str::to_owned)[..], SECONDS)
        );
    }

    #[test]
    fn a_failure_is_run_again_by_its_seed_and_path() {
        let plan = parse(&["fetch", "--time", "5", "--seed", "7", "--path", "1:0"]).unwrap();

        assert_eq!(plan.targets, ["fetch"]);
        assert_eq!(plan.seconds, 5);
        assert_eq!(plan.again, ["--seed", "7", "--path", "1:0"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for words in [
            ["other"].as_slice(),
            &["--time"],
            &["--time", "0"],
            &["--time", "soon"],
            &["--speed", "1"],
            &["--seed", "1"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
