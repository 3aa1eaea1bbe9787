//! The parts of `cargo xtask test`: what each proves, and how.
//!
//! What they count for, and in what words that is told, is `suite.rs`'s matter.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::browser::{self, Engine};
use crate::count::{self, Counts};
use crate::process::{self, Ending};
use crate::project::{self, Project};
use crate::{package, tools};

/// One part of the tests.
#[derive(Debug)]
pub(crate) struct Part {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it proves, for the line that announces it.
    pub(crate) about: &'static str,
    /// How it does so.
    pub(crate) work: Work,
}

/// What a part does.
#[derive(Debug)]
pub(crate) enum Work {
    /// Holds or does not; counts as one test.
    Check(fn(&Run<'_>) -> Result<()>),
    /// Runs tests that are counted one by one.
    Tests(fn(&Run<'_>) -> Result<(Ending, Counts)>),
}

const PARTS: &[Part] = &[
    Part { name: "fmt", about: "the Rust code is formatted", work: Work::Check(fmt) },
    Part { name: "prettier", about: "everything else is formatted", work: Work::Check(prettier) },
    Part { name: "clippy", about: "no warning, native and WebAssembly", work: Work::Check(clippy) },
    Part {
        name: "native",
        about: "the core's tests and the documentation's examples, natively",
        work: Work::Tests(native),
    },
    Part { name: "doc", about: "the documentation builds without a warning", work: Work::Check(doc) },
    Part { name: "pack", about: "the package holds exactly the listed files", work: Work::Check(pack) },
    Part { name: "types", about: "the JavaScript agrees with its types", work: Work::Check(types) },
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
    /// The parts, in the order in which they run.
    pub(crate) fn parts(&self) -> &[&'static Part] {
        &self.0
    }

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
        if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|part| part.name != **name)) {
            bail!("no part is called `{unknown}`; these are:\n{}", listing());
        }
        Ok(Self(PARTS.iter().filter(|part| names.contains(&part.name)).collect()))
    }
}

fn listing() -> String {
    let lines: Vec<String> = PARTS.iter().map(|part| format!("  {:<14} {}", part.name, part.about)).collect();
    lines.join("\n")
}

/// What the parts of one run share.
#[derive(Debug)]
pub(crate) struct Run<'project> {
    project: &'project Project,
    /// Whether the package is packed and installed, or why it is not.
    package: OnceCell<Result<(), String>>,
}

impl<'project> Run<'project> {
    /// A run in which nothing has been made yet.
    pub(crate) fn new(project: &'project Project) -> Self {
        Self { project, package: OnceCell::new() }
    }

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
        self.package().context("cannot run, because there is no package to test")
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
        &["--package=graphql-token-manager", "--lib", "--tests", "--target=wasm32-unknown-unknown"],
    ] {
        process::run(run.project.cargo().arg("clippy").args(scope).args(["--", "--deny=warnings"]))?;
    }
    Ok(())
}

fn native(run: &Run<'_>) -> Result<(Ending, Counts)> {
    let (ending, text) = process::watch(run.project.cargo().args(["test", "--workspace", "--no-fail-fast"]))?;
    Ok((ending, count::of_cargo(&text)))
}

fn doc(run: &Run<'_>) -> Result<()> {
    tools::wasm_target()?;
    for scope in [
        ["--workspace"].as_slice(),
        &["--workspace", "--document-private-items"],
        &["--package=graphql-token-manager", "--target=wasm32-unknown-unknown"],
        &["--package=graphql-token-manager", "--target=wasm32-unknown-unknown", "--document-private-items"],
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

/// An example that needs more packages than the project should wait for.
const EXAMPLE_WITH_PACKAGES: &str = "examples/clients/typed-documents";

fn types(run: &Run<'_>) -> Result<()> {
    run.needs_package()?;
    tools::npm_ci(run.project, EXAMPLE_WITH_PACKAGES)?;
    process::run(run.project.npm_command("tsc").args(["--project", "tsconfig.json"]))
}

fn js(run: &Run<'_>) -> Result<(Ending, Counts)> {
    run.needs_package()?;
    tools::npm_ci(run.project, EXAMPLE_WITH_PACKAGES)?;
    // Some of them open pages, and share tokens by Redis.
    tools::debian(&[tools::CHROMIUM, tools::FIREFOX, tools::REDIS])?;
    let geckodriver = tools::GECKODRIVER.path()?;
    let files = project::files_below(&run.project.path("js-tests"))?;
    let tests: Vec<String> = files
        .into_iter()
        .filter(|name| name.ends_with(".test.js"))
        .map(|name| format!("js-tests/{name}"))
        .collect();
    if tests.is_empty() {
        bail!("js-tests/ holds no file that ends in .test.js");
    }
    // What measures real time is not measured beside tests that keep the machine busy.
    let (alone, together) = tests.into_iter().partition::<Vec<_>, _>(|name| name.ends_with(".alone.test.js"));
    let (first, mut counts) = node_tests(run, &geckodriver, 2, together)?;
    let (second, more) = node_tests(run, &geckodriver, 1, alone)?;
    counts += more;
    Ok((first.and(second), counts))
}

fn node_tests(
    run: &Run<'_>,
    geckodriver: &Path,
    concurrency: u8,
    files: Vec<String>,
) -> Result<(Ending, Counts)> {
    // The files by name: Node 20 takes no pattern.
    let mut command = run.project.command("node");
    command.env("GECKODRIVER", geckodriver).args(["--test", "--test-reporter=spec"]);
    command.arg(format!("--test-concurrency={concurrency}")).args(files);
    let (ending, text) = process::watch(&mut command)?;
    Ok((ending, count::of_node(&text)))
}

fn wasm(run: &Run<'_>, engine: Engine) -> Result<(Ending, Counts)> {
    let (ending, text) = browser::test(run.project, engine)?;
    Ok((ending, count::of_cargo(&text)))
}

#[cfg(test)]
mod tests {
    use super::{PARTS, Selection};

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
        let message = Selection::parse(&["--only", "wasm"]).unwrap_err().to_string();

        assert!(message.contains("`wasm`") && message.contains("wasm-firefox"));
        assert!(Selection::parse(&["--only"]).is_err());
        assert!(Selection::parse(&["js"]).is_err());
        assert!(Selection::parse(&["--only", "js", "--all"]).is_err());
    }
}
