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
use crate::project::{self, Project};
use crate::stamp::Fingerprint;

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Installs Rust's WebAssembly target.
///
/// # Errors
///
/// rustup is missing or cannot install it.
pub(crate) fn wasm_target() -> Result<()> {
    rustup("target", WASM_TARGET)
}

/// Installs a component of Rust, such as `clippy`.
///
/// # Errors
///
/// rustup is missing or cannot install it.
pub(crate) fn rust_component(name: &str) -> Result<()> {
    rustup("component", name)
}

/// The compiler of the published module. An exact version, as in rust-toolchain.toml, because another one produces a
/// different module.
pub(crate) const NIGHTLY: &str = "nightly-2026-05-20";

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

/// Adds a component or a target to the toolchain. rustup does not install those of rust-toolchain.toml if
/// `RUSTUP_AUTO_INSTALL` is 0.
fn rustup(kind: &str, name: &str) -> Result<()> {
    let mut list = Command::new("rustup");
    list.args([kind, "list", "--installed"]);
    let installed = process::output(&mut list)
        .with_context(|| format!("Rust has to come from rustup, which adds the {kind} {name}"))?;
    // rustup lists a component with the name of the platform appended.
    let is_wanted =
        |line: &str| line == name || line.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    if installed.lines().any(is_wanted) {
        return Ok(());
    }
    say(&format!("Installing Rust's {kind} {name} (rustup)"));
    process::run(Command::new("rustup").args([kind, "add", name]))
}

/// Installs the npm packages of the lock file.
///
/// # Errors
///
/// Node is missing or too old, or npm cannot install.
pub(crate) fn npm_packages(project: &Project) -> Result<()> {
    npm(project, "", &["ci"])
}

/// Installs the npm packages of a folder with its own lock file. Examples and benchmarks have one, so that building the
/// package does not install their packages.
///
/// # Errors
///
/// Same as for [`npm_packages`].
pub(crate) fn npm_ci(project: &Project, folder: &str) -> Result<()> {
    npm(project, folder, &["ci"])
}

/// Same as [`npm_ci`], for a lock file that may lack a tool's binaries for other systems: not every registry has them,
/// and `npm ci` then does not install those that this system needs.
///
/// # Errors
///
/// Same as for [`npm_packages`].
pub(crate) fn npm_install(project: &Project, folder: &str) -> Result<()> {
    npm(project, folder, &["install", "--no-save", "--ignore-scripts"])
}

fn npm(project: &Project, folder: &str, install: &[&str]) -> Result<()> {
    node()?;
    let name = Path::new(folder).join("package-lock.json");
    let folder = project.path(folder);
    let stamp = folder.join("node_modules/.xtask-stamp");
    let lock = folder.join("package-lock.json");
    let mut inputs = Fingerprint::default();
    inputs.add_file(&folder.join("package.json"))?.add_file(&lock)?;
    if inputs.matches(&stamp) {
        return Ok(());
    }
    say(&format!("Installing the npm packages of {} (npm {})", name.display(), install.join(" ")));
    process::run(
        project
            .command("npm")
            .current_dir(&folder)
            .args(install)
            .args(["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"])
            // npm prints progress here, not a result.
            .stdout(Stdio::from(std::io::stderr())),
    )?;
    inputs.leave(&stamp)
}

/// The oldest version of Node with a test runner that the JavaScript tests can use.
const OLDEST_NODE: u32 = 20;

fn node() -> Result<()> {
    let version = process::output(Command::new("node").arg("--version"))
        .context("Node is missing; install version 20 or newer with npm")?;
    let major = version.trim().trim_start_matches('v').split('.').next().unwrap_or_default();
    if major.parse::<u32>().is_ok_and(|major| major >= OLDEST_NODE) {
        return Ok(());
    }
    bail!("Node is {}; install version {OLDEST_NODE} or newer", version.trim());
}

/// A command line tool from crates.io.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CargoTool<'version> {
    /// The name of the crate.
    pub(crate) name: &'static str,
    /// The exact version.
    pub(crate) version: &'version str,
    /// The name of a program that it installs.
    pub(crate) program: &'static str,
}

/// Builds test modules and passes them to the runner of each engine.
pub(crate) const WASM_PACK: CargoTool<'_> =
    CargoTool { name: "wasm-pack", version: "0.15.1", program: "wasm-pack" };

/// Checks the licences, sources and duplicates of crates.
pub(crate) const CARGO_DENY: CargoTool<'_> =
    CargoTool { name: "cargo-deny", version: "0.20.2", program: "cargo-deny" };

/// WebDriver for Firefox.
pub(crate) const GECKODRIVER: CargoTool<'_> =
    CargoTool { name: "geckodriver", version: "0.37.1", program: "geckodriver" };

/// Returns the runner of the test modules, in the version of the crate `wasm-bindgen`.
///
/// # Errors
///
/// `Cargo.lock` does not contain the crate.
pub(crate) fn wasm_bindgen_cli(project: &Project) -> Result<CargoTool<'_>> {
    Ok(CargoTool {
        name: "wasm-bindgen-cli",
        version: project.version_of("wasm-bindgen")?,
        program: "wasm-bindgen-test-runner",
    })
}

impl CargoTool<'_> {
    /// Installs the tool if it is missing, and returns the folder of its programs.
    ///
    /// # Errors
    ///
    /// It does not compile, or crates.io is unreachable.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let Self { name, version, program } = self;
        let root = cache()?.join(format!("{name}-{version}"));
        let folder = root.join("bin");
        if folder.join(program).is_file() {
            return Ok(folder);
        }
        say(&format!("Installing {name} {version} into {} (some minutes)", root.display()));
        let building = Scratch::new(name)?;
        // A locked version may have been yanked from crates.io. The newest compatible versions are used then.
        if self.install(&root, &building, Some("--locked")).is_err() {
            say(&format!("{name} {version} does not install as locked; trying its newest dependencies"));
            self.install(&root, &building, None).with_context(|| {
                format!(
                    "{name} is needed and could not be installed; run `cargo install --root {} {name}@{version}`",
                    root.display()
                )
            })?;
        }
        Ok(folder)
    }

    /// Installs the tool if it is missing, and returns the path of its program.
    ///
    /// # Errors
    ///
    /// Same as for [`Self::folder`].
    pub(crate) fn path(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join(self.program))
    }

    fn install(&self, root: &Path, building: &Scratch, locked: Option<&str>) -> Result<()> {
        process::run(
            Command::new("cargo")
                // Built in another folder, so that the configuration of this workspace does not apply.
                .current_dir(building.path())
                .env("CARGO_TARGET_DIR", building.path())
                .arg("install")
                .args(locked)
                .arg("--root")
                .arg(root)
                .arg(format!("{}@{}", self.name, self.version))
                // Suppresses the warning of cargo about the PATH.
                .env("PATH", with_path(&[root.join("bin")])?),
        )
    }
}

fn cache() -> Result<PathBuf> {
    let base = match env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env::var_os("HOME").context("HOME is not set; set it, or XDG_CACHE_HOME")?)
            .join(".cache"),
    };
    Ok(base.join("graphql-token-manager/tools"))
}

/// Returns the PATH with some folders first.
///
/// # Errors
///
/// The name of a folder contains a colon.
pub(crate) fn with_path(first: &[PathBuf]) -> Result<std::ffi::OsString> {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = first.iter().cloned().chain(env::split_paths(&inherited));
    env::join_paths(folders).context("a folder with a colon in its name cannot be on the PATH")
}

/// A program of a Debian package.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DebianProgram {
    /// The name of the package.
    pub(crate) package: &'static str,
    /// The path at which the package installs the program.
    pub(crate) path: &'static str,
}

/// Chromium.
pub(crate) const CHROMIUM: DebianProgram = DebianProgram { package: "chromium", path: "/usr/bin/chromium" };

/// WebDriver for Chromium, of the same version because both come from one source package.
pub(crate) const CHROMEDRIVER: DebianProgram =
    DebianProgram { package: "chromium-driver", path: "/usr/bin/chromedriver" };

/// Firefox.
pub(crate) const FIREFOX: DebianProgram =
    DebianProgram { package: "firefox-esr", path: "/usr/bin/firefox-esr" };

/// WebDriver for WebKit. The package depends on WebKit.
pub(crate) const WEBKITDRIVER: DebianProgram =
    DebianProgram { package: "webkit2gtk-driver", path: "/usr/bin/WebKitWebDriver" };

/// A virtual display for a browser that has no headless mode.
pub(crate) const XVFB: DebianProgram = DebianProgram { package: "xvfb", path: "/usr/bin/Xvfb" };

/// Redis. Tests start and stop their own servers.
pub(crate) const REDIS: DebianProgram =
    DebianProgram { package: "redis-server", path: "/usr/bin/redis-server" };
/// A proxy for Redis: twemproxy.
pub(crate) const NUTCRACKER: DebianProgram =
    DebianProgram { package: "nutcracker", path: "/usr/sbin/nutcracker" };

/// Installs the programs that are missing.
///
/// # Errors
///
/// apt-get is missing or fails. The message contains the command to run.
pub(crate) fn debian(programs: &[DebianProgram]) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|program| !Path::new(program.path).exists())
        .map(|program| program.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let advice = format!(
        "the tests need Debian's {packages}; run `sudo apt-get update && sudo apt-get install --yes {packages}`"
    );
    say(&format!("Installing Debian's packages {packages} (apt-get)"));
    apt_get(&["update"]).with_context(|| advice.clone())?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing);
    apt_get(&install).with_context(|| advice)
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    process::run(
        Command::new("apt-get")
            .arg("-qq")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::io::stderr())),
    )
}

/// A temporary folder that is removed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Creates a folder. Its name contains `name`, to identify it on disk.
    ///
    /// # Errors
    ///
    /// The system's temporary folder is not writable.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let folder = env::temp_dir().join(format!("graphql-token-manager-{}-{name}", std::process::id()));
        project::remove_folder(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // On failure the folder stays until the system empties its temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
