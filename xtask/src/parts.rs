//! The parts of `cargo xtask test`. Running and counting them is in `suite.rs`.

use std::cell::OnceCell;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};

use crate::browser::{self, Engine};
use crate::count::{self, Counts};
use crate::process::{self, Ending};
use crate::project::{self, Project};
use crate::{fuzz, package, reproducible, tools};

/// One part of the tests.
#[derive(Debug)]
pub(crate) struct Part {
    /// Its name for `--only`.
    pub(crate) name: &'static str,
    /// What it tests, printed when it starts.
    pub(crate) about: &'static str,
    /// How it is run.
    pub(crate) work: Work,
}

/// The work of a part.
#[derive(Debug)]
pub(crate) enum Work {
    /// A check that succeeds or fails, counted as one test.
    Check(fn(&Run<'_>) -> Result<()>),
    /// Tests that are counted one by one.
    Tests(fn(&Run<'_>) -> Result<(Ending, Counts)>),
}

const PARTS: &[Part] = &[
    Part { name: "fmt", about: "the Rust code is formatted", work: Work::Check(fmt) },
    Part { name: "prettier", about: "everything else is formatted", work: Work::Check(prettier) },
    Part { name: "clippy", about: "no warning, native and WebAssembly", work: Work::Check(clippy) },
    Part {
        name: "deny",
        about: "crates have allowed licences, come from crates.io, and are there once",
        work: Work::Check(deny),
    },
    Part {
        name: "native",
        about: "the core's tests and the documentation's examples, natively",
        work: Work::Tests(native),
    },
    Part { name: "doc", about: "the documentation builds without a warning", work: Work::Check(doc) },
    Part { name: "pack", about: "the package holds exactly the listed files", work: Work::Check(pack) },
    Part {
        name: "reproducible",
        about: "a second build in another folder gives the same bytes",
        work: Work::Check(reproducible),
    },
    Part { name: "types", about: "the JavaScript agrees with its types", work: Work::Check(types) },
    Part {
        name: "js",
        about: "the packed and installed package does what it promises",
        work: Work::Tests(js),
    },
    Part {
        name: "fuzz",
        about: "generated inputs break no promise; a minute of each target",
        work: Work::Tests(fuzz),
    },
    Part {
        name: "packaging",
        about: "the package is imported everywhere; with --all in more places",
        work: Work::Tests(packaging),
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
    Part {
        name: "wasm-webkit",
        about: "the WebAssembly side in WebKit",
        work: Work::Tests(|run| wasm(run, Engine::WebKit)),
    },
];

/// The extent of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The tests to run for each change.
    Usual,
    /// All tests, including those that take minutes and rarely fail.
    Whole,
}

/// The selected parts and their extent.
#[derive(Debug)]
pub(crate) struct Selection {
    parts: Vec<&'static Part>,
    extent: Extent,
}

impl Selection {
    /// The selected parts, in the order in which they run.
    pub(crate) fn parts(&self) -> &[&'static Part] {
        &self.parts
    }

    /// The extent of each part.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// Parses `--only NAME…` and `--all`.
    ///
    /// # Errors
    ///
    /// An option or a name is unknown. The message lists the names.
    pub(crate) fn parse(options: &[&str]) -> Result<Self> {
        let mut extent = Extent::Usual;
        let mut named: Option<Vec<&str>> = None;
        for &word in options {
            match (word, &mut named) {
                ("--all", _) => extent = Extent::Whole,
                ("--only", None) => named = Some(Vec::new()),
                ("--only", Some(_)) => {}
                (name, Some(names)) if !name.starts_with('-') => names.extend(name.split(',')),
                _ => bail!("`test` takes `--all` and `--only NAME...`, not `{word}` here"),
            }
        }
        let Some(names) = named else {
            return Ok(Self { parts: PARTS.iter().collect(), extent });
        };
        if names.is_empty() {
            bail!("--only needs the name of a part:\n{}", listing());
        }
        if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|part| part.name != **name)) {
            bail!("no part is called `{unknown}`; these are:\n{}", listing());
        }
        let parts = PARTS.iter().filter(|part| names.contains(&part.name)).collect();
        Ok(Self { parts, extent })
    }
}

fn listing() -> String {
    let lines: Vec<String> = PARTS.iter().map(|part| format!("  {:<14} {}", part.name, part.about)).collect();
    lines.join("\n")
}

/// The state that the parts of one run share.
#[derive(Debug)]
pub(crate) struct Run<'project> {
    project: &'project Project,
    extent: Extent,
    /// Success if the package is packed and installed, or the reason why it is not.
    package: OnceCell<Result<(), String>>,
}

impl<'project> Run<'project> {
    /// Creates a run that has built nothing yet.
    pub(crate) fn new(project: &'project Project, extent: Extent) -> Self {
        Self { project, extent, package: OnceCell::new() }
    }

    /// Packs and installs the package, once per run.
    fn package(&self) -> Result<()> {
        let made = self.package.get_or_init(|| {
            package::pack(self.project)
                .and_then(|tarball| package::install(self.project, &tarball))
                .map_err(|error| format!("{error:#}"))
        });
        made.clone().map_err(|reason| anyhow!(reason))
    }

    /// Fails if the package could not be packed.
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

/// Advisories are not checked: their repository is not reachable from every network.
fn deny(run: &Run<'_>) -> Result<()> {
    let folder = tools::CARGO_DENY.folder()?;
    let mut command = run.project.cargo();
    command.env("PATH", tools::with_path(&[folder])?);
    process::run(command.args(["deny", "--locked", "check", "licenses", "bans", "sources"]))
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

fn reproducible(run: &Run<'_>) -> Result<()> {
    run.needs_package()?;
    reproducible::check(run.project)
}

/// An example with npm packages of its own, which are installed only for its tests.
const EXAMPLE_WITH_PACKAGES: &str = "examples/clients/typed-documents";

fn types(run: &Run<'_>) -> Result<()> {
    run.needs_package()?;
    tools::npm_ci(run.project, EXAMPLE_WITH_PACKAGES)?;
    process::run(run.project.npm_command("tsc").args(["--project", "tsconfig.json"]))
}

fn js(run: &Run<'_>) -> Result<(Ending, Counts)> {
    run.needs_package()?;
    tools::npm_ci(run.project, EXAMPLE_WITH_PACKAGES)?;
    // Some of these tests open pages, or share tokens through Redis.
    tools::debian(&[tools::CHROMIUM, tools::FIREFOX, tools::REDIS])?;
    let slow = run.extent == Extent::Whole;
    if slow {
        tools::debian(&[tools::NUTCRACKER])?;
    }
    let geckodriver = tools::GECKODRIVER.path()?;
    let tests =
        test_files(run, |name| !name.starts_with(PACKAGING) && (slow || !name.ends_with(".slow.test.js")))?;
    // Tests that measure real time run after the others, because those keep the machine busy.
    let (alone, together) = tests.into_iter().partition::<Vec<_>, _>(|name| name.ends_with(".alone.test.js"));
    let (first, mut counts) = node_tests(run, &geckodriver, 2, together)?;
    let (second, more) = node_tests(run, &geckodriver, 1, alone)?;
    counts += more;
    Ok((first.and(second), counts))
}

fn fuzz(run: &Run<'_>) -> Result<(Ending, Counts)> {
    run.needs_package()?;
    let counts = fuzz::run_installed(run.project, &fuzz::Plan::usual(run.project)?)?;
    Ok((Ending::Succeeded, counts))
}

/// The folder below `js-tests` for tests of the package in other tools and environments.
const PACKAGING: &str = "packaging/";
const PLACES: &str = "js-tests/packaging/places";

fn packaging(run: &Run<'_>) -> Result<(Ending, Counts)> {
    run.needs_package()?;
    tools::npm_install(run.project, PLACES)?;
    tools::debian(&[tools::CHROMIUM, tools::FIREFOX, tools::WEBKITDRIVER, tools::XVFB])?;
    let geckodriver = tools::GECKODRIVER.path()?;
    let slow = run.extent == Extent::Whole;
    let tests =
        test_files(run, |name| name.starts_with(PACKAGING) && (slow || !name.ends_with(".slow.test.js")))?;
    node_tests(run, &geckodriver, 2, tests)
}

/// Returns the test files below `js-tests` that satisfy `wanted`.
fn test_files(run: &Run<'_>, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let files = project::files_below(&run.project.path("js-tests"))?;
    let tests: Vec<String> = files
        .into_iter()
        // Tests in fixtures are run by the test that uses the fixture.
        .filter(|name| name.ends_with(".test.js") && !name.contains("/fixtures/") && wanted(name))
        .map(|name| format!("js-tests/{name}"))
        .collect();
    if tests.is_empty() {
        bail!("js-tests/ holds no such file that ends in .test.js");
    }
    Ok(tests)
}

/// Ends a test file that hangs, which Node would otherwise await for ever. Half an hour is several times what the slowest
/// file takes on a loaded machine.
const NODE_TIMEOUT: &str = "--test-timeout=1800000";

fn node_tests(
    run: &Run<'_>,
    geckodriver: &Path,
    concurrency: u8,
    files: Vec<String>,
) -> Result<(Ending, Counts)> {
    // The files are listed by name, because Node 20 does not accept a pattern.
    let mut command = run.project.command("node");
    command.env("GECKODRIVER", geckodriver).args(["--test", "--test-reporter=spec", NODE_TIMEOUT]);
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
    use super::{Extent, PARTS, Selection};

    fn names(options: &[&str]) -> Vec<&'static str> {
        Selection::parse(options).unwrap().parts().iter().map(|part| part.name).collect()
    }

    #[test]
    fn without_a_name_every_part_runs() {
        assert_eq!(names(&[]).len(), PARTS.len());
        assert_eq!(names(&["--all"]).len(), PARTS.len());
    }

    #[test]
    fn all_of_what_is_named_is_run_where_that_is_asked_for() {
        let extent = |options: &[&str]| Selection::parse(options).unwrap().extent();

        assert_eq!(extent(&["--only", "js"]), Extent::Usual);
        assert_eq!(extent(&["--all"]), Extent::Whole);
        assert_eq!(extent(&["--only", "js", "--all"]), Extent::Whole);
        assert_eq!(names(&["--all", "--only", "js"]), ["js"]);
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
        assert!(Selection::parse(&["--quick"]).is_err());
    }
}
