//! `cargo xtask test`: runs the selected parts, and prints a line with the sum of their tests.
//!
//! A part is never skipped: its requirements are installed, and a part in which no test ran has failed. Parts after a
//! failed one run as well.

use std::cell::OnceCell;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::{package, process, tools};

/// A part of the tests: its name for `--only`, its subject, and the function that runs it.
type Part = (&'static str, &'static str, fn(&Run) -> Result<Counts>);

const PARTS: &[Part] = &[
    ("fmt", "the Rust code is formatted", fmt),
    ("prettier", "everything else is formatted", prettier),
    ("clippy", "no warning, native and WebAssembly", clippy),
    ("deny", "crates have allowed licences and come from crates.io, and no crate appears twice", deny),
    ("native", "the core's tests and the documentation's examples, natively", native),
    ("doc", "the documentation builds without a warning", doc),
    ("pack", "the package holds exactly the listed files, and its entries are within their budgets", pack),
    ("types", "the JavaScript agrees with its types", types),
    ("js", "the packed and installed package does what it promises", js),
    ("fuzz", "generated inputs break no promise, 10 s for each target; with --all a minute", fuzz),
    ("packaging", "the package is imported everywhere; with --all in more places", packaging),
    (
        "docs",
        "the documentation site builds, its links lead somewhere, and its pages work; with --all, or by name",
        docs,
    ),
    ("servers", "servers that others wrote are used as described, installed with --all, or by name", servers),
    ("wasm-node", "the WebAssembly side in Node", |_| wasm(&mut wasm_tests()?)),
    ("wasm-chromium", "the WebAssembly side in headless Chromium", wasm_chromium),
    ("wasm-firefox", "the WebAssembly side in headless Firefox", wasm_firefox),
    ("wasm-webkit", "the WebAssembly side in WebKit", wasm_webkit),
    (
        "reproducible",
        "a second build in another folder gives the same bytes; with --all, or by name",
        reproducible,
    ),
];

/// Parts that run with `--all`, or if they are named.
const ONLY_WITH_ALL: &[&str] = &["docs", "servers", "reproducible"];

/// The state that the parts of one run share.
#[derive(Debug)]
struct Run {
    /// Includes the tests that take minutes and rarely fail.
    all: bool,
    /// Success if the package is packed and installed, or the reason why it is not.
    package: OnceCell<Result<(), String>>,
}

impl Run {
    /// Packs and installs the package, once per run.
    fn package(&self) -> Result<()> {
        let made =
            self.package.get_or_init(|| package::pack().map(drop).map_err(|error| format!("{error:#}")));
        made.clone().map_err(|reason| anyhow!(reason))
    }
}

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: usize,
    /// Tests that failed, were cancelled or could not run.
    failed: usize,
}

/// The result of a check that passed.
const PASSED: Counts = Counts { passed: 1, failed: 0 };

/// Runs the parts that `options` select, continues after failures, and prints the counts.
///
/// # Errors
///
/// An option or the name of a part is unknown. The message lists the names.
#[expect(clippy::disallowed_methods, reason = "a build tool may read the clock")]
pub(crate) fn run(options: &[&str]) -> Result<ExitCode> {
    let (all, parts) = selection(options)?;
    let run = Run { all, package: OnceCell::new() };
    let mut total = Counts::default();
    let mut summary = Vec::new();
    for (name, about, work) in parts {
        println!("\n=== {name}: {about}");
        let start = Instant::now();
        let Counts { passed, failed } = work(&run).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Counts { passed: 0, failed: 1 }
        });
        let result = match failed {
            0 => format!("ok, {passed}"),
            failed => format!("FAILED, {failed} of {}", passed + failed),
        };
        let line = format!("{name:<14} {result:<18} {:>6.1} s", start.elapsed().as_secs_f64());
        println!("--- {line}");
        summary.push(line);
        total.passed += passed;
        total.failed += failed;
    }
    println!("\n{}\n", summary.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Parses `--only NAME…` and `--all`. Returns true for `--all`, and the selected parts in the order in which they run.
fn selection(options: &[&str]) -> Result<(bool, Vec<&'static Part>)> {
    let mut all = false;
    let mut named: Option<Vec<&str>> = None;
    for &word in options {
        match (word, &mut named) {
            ("--all", _) => all = true,
            ("--only", None) => named = Some(Vec::new()),
            ("--only", Some(_)) => {}
            (name, Some(names)) if !name.starts_with('-') => names.extend(name.split(',')),
            _ => bail!("`test` takes `--all` and `--only NAME...`, not `{word}` here"),
        }
    }
    let Some(names) = named else {
        let parts = PARTS.iter().filter(|(name, ..)| all || !ONLY_WITH_ALL.contains(name));
        return Ok((all, parts.collect()));
    };
    let known: Vec<String> = PARTS.iter().map(|(name, about, _)| format!("  {name:<14} {about}")).collect();
    let known = known.join("\n");
    ensure!(!names.is_empty(), "--only needs the name of a part:\n{known}");
    if let Some(unknown) = names.iter().find(|name| !PARTS.iter().any(|part| part.0 == **name)) {
        bail!("no part is called `{unknown}`; these are:\n{known}");
    }
    Ok((all, PARTS.iter().filter(|part| names.contains(&part.0)).collect()))
}

fn fmt(_: &Run) -> Result<Counts> {
    tools::toolchain()?;
    process::run(cargo().args(["fmt", "--all", "--check"]))?;
    Ok(PASSED)
}

fn prettier(_: &Run) -> Result<Counts> {
    tools::npm_ci(".")?;
    process::run(tools::npm_program("prettier").args(["--check", "--log-level=warn", "."]))?;
    Ok(PASSED)
}

fn clippy(_: &Run) -> Result<Counts> {
    tools::toolchain()?;
    let native = ["clippy", "--workspace", "--all-targets"];
    let wasm =
        ["clippy", "--package=graphql-token-manager", "--lib", "--tests", "--target=wasm32-unknown-unknown"];
    for scope in [native.as_slice(), &wasm] {
        process::run(cargo().args(scope).args(["--", "--deny=warnings"]))?;
    }
    Ok(PASSED)
}

/// Advisories are not checked: their repository is not reachable from every network.
fn deny(_: &Run) -> Result<Counts> {
    let mut deny = Command::new(tools::cargo_deny()?);
    process::run(deny.args(["--locked", "check", "licenses", "bans", "sources"]))?;
    Ok(PASSED)
}

fn native(_: &Run) -> Result<Counts> {
    counted(cargo().args(["test", "--workspace", "--no-fail-fast"]), of_cargo)
}

fn doc(_: &Run) -> Result<Counts> {
    tools::toolchain()?;
    let crate_only = ["doc", "--no-deps", "--package=graphql-token-manager"];
    for scope in [
        ["--lib"].as_slice(),
        &["--lib", "--document-private-items"],
        &["--lib", "--document-private-items", "--target=wasm32-unknown-unknown"],
    ] {
        process::run(cargo().env("RUSTDOCFLAGS", "--deny=warnings").args(crate_only).args(scope))?;
    }
    Ok(PASSED)
}

fn pack(run: &Run) -> Result<Counts> {
    run.package()?;
    Ok(PASSED)
}

/// Builds the package from a copy of the sources in another folder, and compares the result. A reader of the repository
/// can therefore check that a published package was built from it.
fn reproducible(run: &Run) -> Result<Counts> {
    run.package()?;
    let name = format!("graphql-token-manager-second-build-{}", std::process::id());
    let other = env::temp_dir().join(name);
    fs::create_dir(&other).with_context(|| format!("cannot make {}", other.display()))?;
    let result = second_build(&other);
    fs::remove_dir_all(&other).with_context(|| format!("cannot remove {}", other.display()))?;
    result.map(|()| PASSED)
}

fn second_build(other: &Path) -> Result<()> {
    let mut archive = Command::new("tar");
    archive.args(["--create", "--exclude=./target", "--exclude=./.git", "--exclude=node_modules", "."]);
    let mut archive = archive.stdout(Stdio::piped()).spawn().context("cannot start tar")?;
    let sources = archive.stdout.take().context("tar has no output")?;
    process::run(Command::new("tar").arg("--extract").arg("--directory").arg(other).stdin(sources))?;
    archive.wait()?;
    std::os::unix::fs::symlink(fs::canonicalize("node_modules")?, other.join("node_modules"))?;
    let mut build = Command::new(env::current_exe()?);
    build.arg("build").env("CARGO_MANIFEST_DIR", other.join("xtask"));
    process::run(build.env("CARGO_TARGET_DIR", other.join("target")))?;
    let built = other.join(package::FOLDER);
    process::run(Command::new("diff").args(["--recursive", "--brief", package::FOLDER]).arg(built))
}

/// An example with npm packages of its own, which are installed only for its tests.
const EXAMPLE_WITH_PACKAGES: &str = "examples/clients/typed-documents";

fn types(run: &Run) -> Result<Counts> {
    run.package()?;
    tools::npm_ci(EXAMPLE_WITH_PACKAGES)?;
    process::run(tools::npm_program("tsc").args(["--project", "tsconfig.json"]))?;
    Ok(PASSED)
}

fn js(run: &Run) -> Result<Counts> {
    run.package()?;
    tools::npm_ci(EXAMPLE_WITH_PACKAGES)?;
    if run.all {
        tools::twemproxy()?;
    }
    let files = test_files(run, |path| !path.starts_with(PACKAGING) && !path.starts_with(SERVERS))?;
    // Tests that measure real time run before the others, because those keep the machine busy.
    let (alone, together) = files.into_iter().partition::<Vec<_>, _>(|name| name.ends_with(".alone.test.js"));
    let first = node_tests(1, &alone)?;
    let second = node_tests(2, &together)?;
    Ok(Counts { passed: first.passed + second.passed, failed: first.failed + second.failed })
}

fn fuzz(run: &Run) -> Result<Counts> {
    run.package()?;
    let seconds = if run.all { "60" } else { "10" };
    process::run(Command::new("node").args(["fuzz/main.js", "--time", seconds]))?;
    Ok(PASSED)
}

/// The folder of tests of the package in other tools and environments.
const PACKAGING: &str = "js-tests/packaging/";

fn packaging(run: &Run) -> Result<Counts> {
    run.package()?;
    tools::npm_install("js-tests/packaging/places")?;
    node_tests(2, &test_files(run, |path| path.starts_with(PACKAGING))?)
}

fn docs(run: &Run) -> Result<Counts> {
    run.package()?;
    package::docs(&[])?;
    let mut files = Vec::new();
    find_tests("docs/site/tests", &mut files)?;
    node_tests(1, &files)
}

/// The folder of tests with real servers.
const SERVERS: &str = "js-tests/servers/";

/// One server runs at a time, because some need more than a gigabyte of memory.
fn servers(run: &Run) -> Result<Counts> {
    run.package()?;
    tools::servers()?;
    process::run(Command::new("node").arg(format!("{SERVERS}install-all.js")))?;
    node_tests(1, &test_files(run, |path| path.starts_with(SERVERS))?)
}

/// Returns the test files below `js-tests` that satisfy `wanted`, which receives the path.
fn test_files(run: &Run, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut files = Vec::new();
    find_tests("js-tests", &mut files)?;
    files.retain(|path| wanted(path) && (run.all || !path.contains(".slow.")));
    files.sort();
    Ok(files)
}

fn find_tests(path: &str, files: &mut Vec<String>) -> Result<()> {
    if path.ends_with(".test.js") {
        files.push(path.to_owned());
    }
    // Tests in fixtures are run by the test that uses the fixture.
    if !Path::new(path).is_dir() || path.ends_with("/node_modules") || path.ends_with("/fixtures") {
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {path}"))? {
        find_tests(&format!("{path}/{}", entry?.file_name().to_string_lossy()), files)?;
    }
    Ok(())
}

fn node_tests(concurrency: u8, files: &[String]) -> Result<Counts> {
    tools::browsers_and_redis()?;
    ensure!(!files.is_empty(), "js-tests has no such file");
    // Ends a file that hangs. A quarter of an hour is several times what the slowest takes on a loaded machine.
    let timeout = "--test-timeout=900000";
    // The files are listed by name, because Node 20 does not accept a pattern.
    let mut node = Command::new("node");
    node.env("GECKODRIVER", tools::geckodriver()?).args(["--test", "--test-reporter=spec", timeout]);
    counted(node.arg(format!("--test-concurrency={concurrency}")).args(files), of_node)
}

/// Creates the command that runs the crate's `#[wasm_bindgen_test]`s, in Node or in the browser of the driver that the
/// environment names.
///
/// One suite is used for all engines. Tests must not contain `wasm_bindgen_test_configure!`, because a suite that
/// selects an engine is skipped in the others. `webdriver.json` contains the options of the browsers.
fn wasm_tests() -> Result<Command> {
    tools::toolchain()?;
    let mut command = cargo();
    for driver in ["GECKODRIVER", "SAFARIDRIVER", "CHROMEDRIVER", "MSEDGEDRIVER"] {
        command.env_remove(driver).env_remove(format!("{driver}_REMOTE"));
    }
    command
        .args(["test", "--package=graphql-token-manager", "--target=wasm32-unknown-unknown", "--lib"])
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", tools::wasm_bindgen_test_runner()?)
        // The defaults, 20 s for all tests and 5 s for the start of a driver, are too short on a busy machine.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "60")
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "120");
    Ok(command)
}

fn wasm(command: &mut Command) -> Result<Counts> {
    counted(command, of_cargo)
}

/// Runs the tests in a browser, and once more each time its page was not loaded, at most 14 times.
///
/// The HTTP server of wasm-bindgen-test-runner (tiny_http 0.12) sometimes leaves one of several simultaneous connections
/// waiting until the browser closes another, after five minutes: it counts a thread as free that has work already. Then no
/// test runs. In webdriver.json, `timeouts` ends such a wait, and Firefox has a limit of two connections, which prevents it.
/// A test that fails is not repeated.
fn wasm_in_browser(command: &mut Command) -> Result<Counts> {
    command.env("WASM_BINDGEN_USE_BROWSER", "1");
    for _ in 1..15 {
        let (status, text) = watched(command)?;
        if !text.contains(NOTHING_RAN) || text.contains(TESTS_STARTED) {
            return conclude(status, of_cargo(&text));
        }
        process::say("The browser did not load the page; trying again");
    }
    wasm(command)
}

/// What the runner prints at its timeout, possibly after some tests.
const NOTHING_RAN: &str = "Failed to detect test as having been run";
/// What the page prints before the first test.
const TESTS_STARTED: &str = "\nrunning ";

fn wasm_chromium(_: &Run) -> Result<Counts> {
    tools::browsers_and_redis()?;
    wasm_in_browser(wasm_tests()?.env("CHROMEDRIVER", tools::CHROMEDRIVER))
}

fn wasm_firefox(_: &Run) -> Result<Counts> {
    tools::browsers_and_redis()?;
    wasm_in_browser(wasm_tests()?.env("GECKODRIVER", tools::geckodriver()?))
}

/// The runner knows WebKit as Safari. WebKit has no headless mode, so it needs a display.
fn wasm_webkit(_: &Run) -> Result<Counts> {
    tools::browsers_and_redis()?;
    let tests = wasm_tests()?;
    let mut command = Command::new("xvfb-run");
    command.arg("--auto-servernum").arg(tests.get_program()).args(tests.get_args());
    for (name, value) in tests.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    wasm_in_browser(command.env("SAFARIDRIVER", tools::WEBKITDRIVER))
}

fn cargo() -> Command {
    Command::new("cargo")
}

/// Runs tests and returns their numbers, which `count` reads from the output.
fn counted(command: &mut Command, count: fn(&str) -> Counts) -> Result<Counts> {
    let (status, text) = watched(command)?;
    conclude(status, count(&text))
}

/// Runs a command and returns its output, without the colours that would hide the lines that are counted.
fn watched(command: &mut Command) -> Result<(ExitStatus, String)> {
    process::watch(command.env("NO_COLOR", "1").env_remove("FORCE_COLOR"))
}

/// Checks that the exit status of a test runner agrees with its counts.
fn conclude(status: ExitStatus, counts: Counts) -> Result<Counts> {
    match (status.success(), counts) {
        (true, Counts { passed: 0, failed: 0 }) => bail!("no test ran, which proves nothing"),
        (true, Counts { failed: 1.., .. }) => bail!("tests failed, but their runner succeeded"),
        // All tests passed or none started, but the runner failed.
        (false, Counts { failed: 0, .. }) => Ok(Counts { failed: 1, ..counts }),
        _ => Ok(counts),
    }
}

/// Returns the sum of the result lines of `cargo test`, one for each test program. The runner of wasm-bindgen prints
/// the same lines.
///
/// `test result: ok. 2 passed; 0 failed; 0 ignored; …`
fn of_cargo(text: &str) -> Counts {
    let mut sum = Counts::default();
    for result in text.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        sum.passed += number_before(result, " passed");
        sum.failed += number_before(result, " failed");
    }
    sum
}

fn number_before(result: &str, word: &str) -> usize {
    let number = result.split_once(word).and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok());
    number.unwrap_or(0)
}

/// Parses the summary of Node's test runner: `ℹ pass 3`. A cancelled test counts as failed.
fn of_node(text: &str) -> Counts {
    // The last line of each kind, because a test may print such a line itself.
    let number = |word: &str| {
        let mut lines = text.lines().rev();
        lines.find_map(|line| line.strip_prefix("ℹ ")?.strip_prefix(word)?.parse::<usize>().ok()).unwrap_or(0)
    };
    Counts { passed: number("pass "), failed: number("fail ") + number("cancelled ") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::{Counts, ONLY_WITH_ALL, PARTS, conclude, of_cargo, of_node, selection};

    fn names(options: &[&str]) -> Vec<&'static str> {
        selection(options).unwrap().1.iter().map(|part| part.0).collect()
    }

    #[test]
    fn without_a_name_every_part_runs_with_all() {
        assert_eq!(names(&["--all"]).len(), PARTS.len());
        assert_eq!(names(&[]).len(), PARTS.len() - ONLY_WITH_ALL.len());
        assert!(names(&[]).iter().all(|name| !ONLY_WITH_ALL.contains(name)));
        assert_eq!(names(&["--only", "servers", "reproducible"]), ["servers", "reproducible"]);
    }

    #[test]
    fn named_parts_run_in_the_usual_order() {
        assert_eq!(names(&["--only", "js", "fmt"]), ["fmt", "js"]);
        assert_eq!(names(&["--only", "js,fmt"]), ["fmt", "js"]);
        assert_eq!(names(&["--all", "--only", "js"]), ["js"]);
        assert!(selection(&["--only", "js", "--all"]).unwrap().0);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = selection(&["--only", "wasm"]).unwrap_err().to_string();

        assert!(message.contains("`wasm`") && message.contains("wasm-firefox"));
        for options in [["--only"], ["js"], ["--quick"]] {
            assert!(selection(&options).is_err());
        }
    }

    #[test]
    fn a_part_without_a_test_or_with_a_status_that_contradicts_its_counts_has_failed() {
        let [succeeded, failed] = [0, 1 << 8].map(ExitStatus::from_raw);
        assert!(conclude(succeeded, Counts::default()).is_err());
        assert!(conclude(succeeded, Counts { passed: 3, failed: 1 }).is_err());
        let concluded = conclude(failed, Counts { passed: 3, failed: 0 }).unwrap();
        assert_eq!(concluded, Counts { passed: 3, failed: 1 });
    }

    #[test]
    fn the_results_of_all_test_programs_are_added_up() {
        let text = "test a ... ok\n\
            test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 9 filtered out; finished in 0.02s\n\
            test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";

        assert_eq!(of_cargo(text), Counts { passed: 12, failed: 1 });
        assert_eq!(of_cargo("error: could not compile `x`\n"), Counts::default());
    }

    #[test]
    fn the_last_summary_of_node_counts_and_a_cancelled_test_has_failed() {
        let text = "ℹ pass 100\n✔ a test\nℹ tests 6\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\n";

        assert_eq!(of_node(text), Counts { passed: 4, failed: 2 });
        assert_eq!(of_node(""), Counts::default());
    }
}
