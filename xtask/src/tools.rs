//! Installs the tools of the other steps, and announces it.
//!
//! Tools come only from rustup, crates.io, npm and Debian's packages. No prebuilt binary is downloaded from another
//! site.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{self, say};

/// The compiler of the published module. An exact version, as in rust-toolchain.toml, because another one produces a
/// different module.
pub(crate) const NIGHTLY: &str = "nightly-2026-05-20";

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Installs [`NIGHTLY`] with its WebAssembly target and the source of the standard library.
///
/// # Errors
///
/// rustup is missing or cannot install it.
pub(crate) fn nightly() -> Result<()> {
    let mut list = Command::new("rustup");
    list.args(["component", "list", "--installed", "--toolchain", NIGHTLY]).stderr(Stdio::null());
    let installed = list.output().context("Rust has to come from rustup, which installs other compilers")?;
    let installed = String::from_utf8_lossy(&installed.stdout);
    if installed.contains("rust-src") && installed.contains(WASM_TARGET) {
        return Ok(());
    }
    say(&format!("Installing the compiler {NIGHTLY} (rustup)"));
    process::run(
        Command::new("rustup")
            .args(["toolchain", "install", NIGHTLY, "--profile=minimal", "--no-self-update"])
            .args(["--component=rust-src", "--target", WASM_TARGET]),
    )
}

/// Adds what rust-toolchain.toml lists to its compiler. rustup does not do so itself if `RUSTUP_AUTO_INSTALL` is 0.
///
/// # Errors
///
/// rustup is missing or cannot install it.
pub(crate) fn toolchain() -> Result<()> {
    for words in
        [["component", "add", "clippy"], ["component", "add", "rustfmt"], ["target", "add", WASM_TARGET]]
    {
        process::output(Command::new("rustup").args(["--quiet"]).args(words))?;
    }
    Ok(())
}

/// Options for every installation of npm packages.
pub(crate) const QUIET_NPM: &[&str] = &["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];

/// Installs the npm packages of a folder with a lock file. Examples and benchmarks have one of their own, so that
/// building the package does not install their packages.
///
/// # Errors
///
/// Node is missing or too old, or npm cannot install.
pub(crate) fn npm_ci(folder: &str) -> Result<()> {
    npm(folder, &["ci"])
}

/// Same as [`npm_ci`], for a lock file that may lack a tool's binaries for other systems: not every registry has them,
/// and `npm ci` then does not install those that this system needs.
///
/// # Errors
///
/// Same as for [`npm_ci`].
pub(crate) fn npm_install(folder: &str) -> Result<()> {
    npm(folder, &["install", "--no-save", "--ignore-scripts"])
}

fn npm(folder: &str, install: &[&str]) -> Result<()> {
    let version = process::output(Command::new("node").arg("--version"))
        .context("Node is missing; install version 20 or newer with npm")?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if !major.parse::<u32>().is_ok_and(|major| major >= 20) {
        bail!("Node is {}; install version 20 or newer", version.trim());
    }
    let folder = Path::new(folder);
    // npm writes this file at the end of each installation.
    if is_newer(&folder.join("node_modules/.package-lock.json"), &[folder.join("package-lock.json")]) {
        return Ok(());
    }
    say(&format!("Installing the npm packages of {} (npm {})", folder.display(), install.join(" ")));
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args(install).args(QUIET_NPM);
    // npm prints progress here, not a result.
    process::run(npm.stdout(Stdio::from(std::io::stderr())))
}

/// Returns true if a file exists and was modified later than all its inputs.
pub(crate) fn is_newer(made: &Path, inputs: &[PathBuf]) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    time(made).is_some_and(|made| inputs.iter().all(|input| time(input).is_some_and(|input| input < made)))
}

/// Creates a command of an installed npm package, such as `prettier`.
pub(crate) fn npm_program(name: &str) -> Command {
    Command::new(Path::new("node_modules/.bin").join(name))
}

/// Returns the path of the program that checks crates.
///
/// # Errors
///
/// It is missing, and cannot be installed.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    cargo_tool("cargo-deny", "0.20.2", "cargo-deny")
}

/// Returns the path of Firefox's WebDriver.
///
/// # Errors
///
/// It is missing, and cannot be installed.
pub(crate) fn geckodriver() -> Result<PathBuf> {
    cargo_tool("geckodriver", "0.37.1", "geckodriver")
}

/// Returns the path of the runner of WebAssembly tests, in the version of the crate `wasm-bindgen`. It rejects tests of
/// another version.
///
/// # Errors
///
/// It is missing, and cannot be installed.
pub(crate) fn wasm_bindgen_test_runner() -> Result<PathBuf> {
    cargo_tool("wasm-bindgen-cli", "0.2.130", "wasm-bindgen-test-runner")
}

/// Installs a program from crates.io, if it is missing, and returns its path.
fn cargo_tool(name: &str, version: &str, program: &str) -> Result<PathBuf> {
    let cache = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(&env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    let root = cache.join(format!("graphql-token-manager/tools/{name}-{version}"));
    let path = root.join("bin").join(program);
    if path.is_file() {
        return Ok(path);
    }
    say(&format!("Installing {name} {version} into {} (some minutes)", root.display()));
    let install = |options: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.arg("install").args(options).arg("--root").arg(&root).arg(format!("{name}@{version}"));
        process::run(&mut cargo)
    };
    // A locked dependency may have been yanked from crates.io. The newest compatible versions are used then.
    install(&["--locked"]).or_else(|_| install(&[])).with_context(|| format!("{name} is needed"))?;
    Ok(path)
}

/// A program of a Debian package: its path, and the name of the package.
type DebianProgram = (&'static str, &'static str);

/// Chromium's WebDriver, for [`crate::test`].
pub(crate) const CHROMEDRIVER: &str = "/usr/bin/chromedriver";
/// WebKit's WebDriver, for [`crate::test`].
pub(crate) const WEBKITDRIVER: &str = "/usr/bin/WebKitWebDriver";

/// Browsers, their drivers, a virtual display for WebKit, which has no headless mode, and Redis. Tests start and stop
/// servers of their own.
const BROWSERS_AND_REDIS: &[DebianProgram] = &[
    ("/usr/bin/chromium", "chromium"),
    (CHROMEDRIVER, "chromium-driver"),
    ("/usr/bin/firefox-esr", "firefox-esr"),
    (WEBKITDRIVER, "webkit2gtk-driver"),
    ("/usr/bin/Xvfb", "xvfb"),
    ("/usr/bin/xauth", "xauth"),
    ("/usr/bin/redis-server", "redis-server"),
];

/// Installs browsers, their drivers and Redis.
///
/// # Errors
///
/// apt-get is missing or fails. The message contains the command to run.
pub(crate) fn browsers_and_redis() -> Result<()> {
    debian(BROWSERS_AND_REDIS)
}

/// Installs twemproxy, a proxy for Redis.
///
/// # Errors
///
/// Same as for [`browsers_and_redis`].
pub(crate) fn twemproxy() -> Result<()> {
    debian(&[("/usr/sbin/nutcracker", "nutcracker")])
}

/// Programs that servers of `js-tests/servers` need.
const SERVERS: &[DebianProgram] = &[
    ("/usr/bin/python3", "python3"),
    // Without it, `python3 -m venv` installs no pip.
    ("/usr/share/doc/python3-venv", "python3-venv"),
    // The program has the major version in its path; this one comes with every version.
    ("/usr/bin/pg_lsclusters", "postgresql"),
];

/// Installs Python with virtual environments, and PostgreSQL.
///
/// # Errors
///
/// Same as for [`browsers_and_redis`].
pub(crate) fn servers() -> Result<()> {
    debian(SERVERS)
}

fn debian(programs: &[DebianProgram]) -> Result<()> {
    let missing: Vec<&str> =
        programs.iter().filter(|(path, _)| !Path::new(path).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    say(&format!("Installing Debian's packages {packages} (apt-get)"));
    for words in [["update"].as_slice(), &["install", "--yes", "--no-install-recommends"]] {
        let packages = if words.len() > 1 { missing.as_slice() } else { &[] };
        let mut apt_get = Command::new("apt-get");
        apt_get.arg("-qq").args(words).args(packages).env("DEBIAN_FRONTEND", "noninteractive");
        process::run(apt_get.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()))).with_context(|| {
            format!("the tests need Debian's {packages:?}; run `sudo apt-get update && sudo apt-get install …`")
        })?;
    }
    Ok(())
}
