//! `cargo xtask test`: its parts, in order, and the one line that counts them.
//!
//! A part never passes by skipping: what it needs is installed, and a part in
//! which no test ran has failed.

use std::cell::OnceCell;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::browser::{self, Engine};
use crate::count::{self, Counts};
use crate::process::{self, Ending};
use crate::project::{self, Project};
use crate::{package, tools};

/// One part of the tests.
#[derive(Debug)]
struct Part {
    name: &'static str,
    /// What it proves, for the line that announces it.
    about: &'static str,
    work: Work,
}

/// What a part does.
#[derive(Debug)]
enum Work {
    /// Holds or does not; counts as one test.
    Check(fn(&Run<'_>) -> Result<()>),
    /// Runs tests that are counted one by one.
    Tests(fn(&Run<'_>) -> Result<(Ending, Counts)>),
}

const PARTS: &[Part] = &[
    Part {
        name: "fmt",
        about: "the Rust code is formatted",
        work: Work::Check(fmt),
    },
    Part {
        name: "prettier",
        about: "everything else is formatted",
        work: Work::Check(prettier),
    },
    Part {
        name: "clippy",
        about: "no warning, native and WebAssembly",
        work: Work::Check(clippy),
    },
    Part {
        name: "native",
        about: "the core's tests and the documentation's examples, natively",
        work: Work::Tests(native),
    },
    Part {
        name: "doc",
        about: "the documentation builds without a warning",
        work: Work::Check(doc),
    },
    Part {
        name: "pack",
        about: "the package holds exactly the listed files",
        work: Work::Check(pack),
    },
    Part {
        name: "types",
        about: "the JavaScript agrees with its types",
        work: Work::Check(types),
    },
    Part {
        name: "js",
        about: "the packed and installed package does what it promises",
        work: Work::Tests(js),
    },
    Part {
        name: "wasm-node",
        about: "the WebAssembly side in Node",
        work: Work::Tests(|run| wasm(run, Engine::Node)),
    },
    Part {
        name: "wasm-chromium",
        about: "the WebAssembly side in headless Chromium",
        work: Work::Tests(|run| wasm(run, Engine::Chromium)),
    },
    Part {
        name: "wasm-firefox",
        about: "the WebAssembly side in headless Firefox",
        work: Work::Tests(|run| wasm(run, Engine::Firefox)),
    },
];

/// Which parts to run.
#[derive(Debug)]
pub(crate) struct Selection(Vec<&'static Part>);

impl Selection {
    /// Reads `--only NAME…` and `--all`.
    ///
    /// # Errors
    ///
    /// An option or a name is unknown; the message lists the names.
    pub(crate) fn parse(options: &[&str]) -> Result<Self> {
        if matches!(options, [] | ["--all"]) {
            return Ok(Self(PARTS.iter().collect()));
        }
        let mut named: Option<Vec<&str>> = None;
        for &word in options {
            match (word, &mut named) {
                ("--only", None) => named = Some(Vec::new()),
                ("--only", Some(_)) => {}
                (name, Some(names)) if !name.starts_with('-') => names.extend(name.split(',')),
                _ => bail!("`test` takes either `--all` or `--only NAME...`, not `{word}` here"),
            }
        }
        let names = named.unwrap_or_default();
        if names.is_empty() {
            bail!("--only needs the name of a part:\n{}", listing());
        }
        if let Some(unknown) = names
            .iter()
            .find(|name| PARTS.iter().all(|part| part.name != **name))
        {
            bail!("no part is called `{unknown}`; these are:\n{}", listing());
        }
        Ok(Self(
            PARTS
                .iter()
                .filter(|part| names.contains(&part.name))
                .collect(),
        ))
    }
}

fn listing() -> String {
    let lines: Vec<String> = PARTS
        .iter()
        .map(|part| format!("  {:<14} {}", part.name, part.about))
        .collect();
    lines.join("\n")
}

/// Runs the selected parts, all of them whatever fails, and prints the count.
///
/// # Errors
///
/// None of its own: what goes wrong in a part is that part's failure.
pub(crate) fn run(project: &Project, selection: &Selection) -> Result<ExitCode> {
    let run = Run {
        project,
        package: OnceCell::new(),
    };
    let mut total = Counts::default();
    let mut summary = Vec::new();
    for part in &selection.0 {
        println!("\n=== {}: {}", part.name, part.about);
        let (counts, duration) = timed(|| outcome(part, &run));
        let line = verdict(part.name, counts, duration);
        println!("--- {line}");
        summary.push(line);
        total += counts;
    }
    println!("\n{}\n", summary.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[expect(clippy::disallowed_methods, reason = "a build tool may read the clock")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

fn verdict(name: &str, counts: Counts, duration: Duration) -> String {
    let result = match counts {
        Counts { failed: 0, passed } => format!("ok, {passed}"),
        Counts { failed, .. } => format!("FAILED, {failed} of {}", counts.total()),
    };
    format!("{name:<14} {result:<18} {:>6.1} s", duration.as_secs_f64())
}

/// What a part counts for; whatever went wrong is said here.
fn outcome(part: &Part, run: &Run<'_>) -> Counts {
    let result = match part.work {
        Work::Check(check) => check(run).map(|()| Counts::ONE_PASSED),
        Work::Tests(tests) => tests(run).and_then(|(ending, counts)| conclude(ending, counts)),
    };
    result.unwrap_or_else(|error| {
        println!("error: {error:#}");
        Counts::ONE_FAILED
    })
}

/// Compares what a runner counted with how it ended.
fn conclude(ending: Ending, counts: Counts) -> Result<Counts> {
    match ending {
        Ending::Succeeded if counts.total() == 0 => bail!("no test ran, which proves nothing"),
        Ending::Succeeded => Ok(counts),
        // The tests passed or never started, but the program around them failed.
        Ending::Failed(reason) if counts.failed == 0 => {
            println!("error: {reason}");
            Ok(Counts {
                failed: 1,
                ..counts
            })
        }
        Ending::Failed(_) => Ok(counts),
    }
}

/// What the parts of one run share.
#[derive(Debug)]
struct Run<'project> {
    project: &'project Project,
    /// Whether the package is packed and installed, or why it is not.
    package: OnceCell<Result<(), String>>,
}

impl Run<'_> {
    /// Packs and installs the package, once in a run.
    fn package(&self) -> Result<()> {
        let made = self.package.get_or_init(|| {
            package::pack(self.project)
                .and_then(|tarball| package::install(self.project, &tarball))
                .map_err(|error| format!("{error:#}"))
        });
        made.clone().map_err(|reason| anyhow!(reason))
    }

    /// The package, for parts that cannot run without it.
    fn needs_package(&self) -> Result<()> {
        self.package()
            .context("cannot run, because there is no package to test")
    }
}

fn fmt(run: &Run<'_>) -> Result<()> {
    tools::rust_component("rustfmt")?;
    process::run(run.project.cargo().args(["fmt", "--all", "--check"]))
}

fn prettier(run: &Run<'_>) -> Result<()> {
    tools::npm_packages(run.project)?;
    process::run(run.project.npm_command("prettier").args(["--check", "."]))
}

fn clippy(run: &Run<'_>) -> Result<()> {
    tools::rust_component("clippy")?;
    tools::wasm_target()?;
    for scope in [
        ["--workspace", "--all-targets"].as_slice(),
        &[
            "--package=graphql-token-manager",
            "--lib",
            "--tests",
            "--target=wasm32-unknown-unknown",
        ],
    ] {
        process::run(
            run.project
                .cargo()
                .arg("clippy")
                .args(scope)
                .args(["--", "--deny=warnings"]),
        )?;
    }
    Ok(())
}

fn native(run: &Run<'_>) -> Result<(Ending, Counts)> {
    let (ending, text) =
        process::watch(
            run.project
                .cargo()
                .args(["test", "--workspace", "--no-fail-fast"]),
        )?;
    Ok((ending, count::of_cargo(&text)))
}

fn doc(run: &Run<'_>) -> Result<()> {
    tools::wasm_target()?;
    for scope in [
        ["--workspace"].as_slice(),
        &["--workspace", "--document-private-items"],
        &[
            "--package=graphql-token-manager",
            "--target=wasm32-unknown-unknown",
        ],
        &[
            "--package=graphql-token-manager",
            "--target=wasm32-unknown-unknown",
            "--document-private-items",
        ],
    ] {
        let mut command = run.project.cargo();
        command.env("RUSTDOCFLAGS", "--deny=warnings");
        process::run(command.args(["doc", "--no-deps"]).args(scope))?;
    }
    Ok(())
}

fn pack(run: &Run<'_>) -> Result<()> {
    run.package()
}

fn types(run: &Run<'_>) -> Result<()> {
    run.needs_package()?;
    process::run(
        run.project
            .npm_command("tsc")
            .args(["--project", "tsconfig.json"]),
    )
}

fn js(run: &Run<'_>) -> Result<(Ending, Counts)> {
    run.needs_package()?;
    let files = project::files_below(&run.project.path("js-tests"))?;
    let tests: Vec<String> = files
        .into_iter()
        .filter(|name| name.ends_with(".test.js"))
        .map(|name| format!("js-tests/{name}"))
        .collect();
    if tests.is_empty() {
        bail!("js-tests/ holds no file that ends in .test.js");
    }
    // The files by name: Node 20 takes no pattern.
    let mut command = run.project.command("node");
    command
        .args(["--test", "--test-reporter=spec", "--test-concurrency=2"])
        .args(tests);
    let (ending, text) = process::watch(&mut command)?;
    Ok((ending, count::of_node(&text)))
}

fn wasm(run: &Run<'_>, engine: Engine) -> Result<(Ending, Counts)> {
    let (ending, text) = browser::test(run.project, engine)?;
    Ok((ending, count::of_cargo(&text)))
}

#[cfg(test)]
mod tests {
    use super::{PARTS, Selection, conclude};
    use crate::count::Counts;
    use crate::process::Ending;

    fn names(options: &[&str]) -> Vec<&'static str> {
        let Selection(parts) = Selection::parse(options).unwrap();
        parts.iter().map(|part| part.name).collect()
    }

    #[test]
    fn without_a_name_every_part_runs() {
        assert_eq!(names(&[]).len(), PARTS.len());
        assert_eq!(names(&["--all"]).len(), PARTS.len());
    }

    #[test]
    fn named_parts_run_in_the_usual_order() {
        assert_eq!(names(&["--only", "js", "fmt"]), ["fmt", "js"]);
        assert_eq!(names(&["--only", "js", "--only", "fmt"]), ["fmt", "js"]);
        assert_eq!(names(&["--only", "js,fmt"]), ["fmt", "js"]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Selection::parse(&["--only", "wasm"])
            .unwrap_err()
            .to_string();

        assert!(message.contains("`wasm`") && message.contains("wasm-firefox"));
        assert!(Selection::parse(&["--only"]).is_err());
        assert!(Selection::parse(&["js"]).is_err());
        assert!(Selection::parse(&["--only", "js", "--all"]).is_err());
    }

    #[test]
    fn a_part_without_a_test_has_failed() {
        assert!(conclude(Ending::Succeeded, Counts::default()).is_err());
    }

    #[test]
    fn a_runner_that_fails_beside_its_tests_counts_as_one_failure() {
        let counts = Counts {
            passed: 3,
            failed: 0,
        };

        let concluded = conclude(Ending::Failed("it failed".to_owned()), counts).unwrap();

        assert_eq!(
            concluded,
            Counts {
                passed: 3,
                failed: 1
            }
        );
    }
}
