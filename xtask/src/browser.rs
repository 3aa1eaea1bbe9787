//! Runs the crate's `#[wasm_bindgen_test]`s in Node, Chromium, Firefox and WebKit.
//!
//! One suite is used for all four. Tests must not contain `wasm_bindgen_test_configure!`, because a suite that selects
//! an engine is skipped in the others. Without it, the runner uses Node, or a browser if `WASM_BINDGEN_USE_BROWSER` is
//! set. `webdriver.json` contains the options with which the browsers are started.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Ending};
use crate::project::{self, Project};
use crate::tools::{self, Scratch};

/// The engine that runs the tests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    /// Node, as CommonJS.
    Node,
    /// Debian's Chromium, headless.
    Chromium,
    /// Debian's Firefox, headless.
    Firefox,
    /// WebKitGTK, on a virtual display.
    WebKit,
}

/// Runs the suite in one engine. Returns the exit status and the output.
///
/// # Errors
///
/// A tool is missing and cannot be installed, or cannot be started.
pub(crate) fn test(project: &Project, engine: Engine) -> Result<(Ending, String)> {
    tools::wasm_target()?;
    let runner = tools::wasm_bindgen_cli(project)?;
    let home = Home::new()?;

    let mut command = match engine {
        Engine::Node | Engine::Chromium | Engine::Firefox => {
            let mut command = project.command(tools::WASM_PACK.path()?);
            // `no-install`: wasm-pack would download tools from sites outside the registries.
            command.args(["test", "--mode=no-install"]);
            command
        }
        // wasm-pack supports WebDriver for WebKit on macOS only.
        Engine::WebKit => {
            let mut command = project.cargo();
            command.args(["test", "--package=graphql-token-manager", "--target=wasm32-unknown-unknown"]);
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner.path()?);
            command
        }
    };
    home.lend(&mut command)?;
    command
        .env("PATH", tools::with_path(&[runner.folder()?])?)
        .env("CARGO_TARGET_DIR", project.target())
        .env("WASM_BINDGEN_TEST_TIMEOUT", SECONDS_FOR_ALL_TESTS)
        .env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", SECONDS_FOR_A_DRIVER);
    match engine {
        Engine::Node => {
            command.args(["--node", "--"]);
        }
        Engine::Chromium => {
            tools::debian(&[tools::CHROMIUM, tools::CHROMEDRIVER])?;
            command.env("WASM_BINDGEN_USE_BROWSER", "1").args([
                "--headless",
                "--chrome",
                "--chromedriver",
                tools::CHROMEDRIVER.path,
                "--",
            ]);
        }
        Engine::Firefox => {
            tools::debian(&[tools::FIREFOX])?;
            command
                .env("WASM_BINDGEN_USE_BROWSER", "1")
                .args(["--headless", "--firefox", "--geckodriver"])
                .arg(tools::GECKODRIVER.path()?)
                .arg("--");
        }
        Engine::WebKit => {
            tools::debian(&[tools::WEBKITDRIVER, tools::XVFB])?;
            // The runner uses the name Safari for any WebDriver of WebKit.
            command.env("WASM_BINDGEN_USE_BROWSER", "1").env("SAFARIDRIVER_REMOTE", webkit_driver(&home)?);
        }
    }
    command.args(programs(project)?);
    process::watch(&mut command)
}

/// Starts a virtual display and WebKit's WebDriver on it, because the runner cannot. Both end with the home folder.
fn webkit_driver(home: &Home) -> Result<String> {
    let mut screen = Command::new(tools::XVFB.path);
    home.lend(&mut screen)?;
    screen.args(["-displayfd", "1", "-nolisten", "tcp"]).stderr(Stdio::null());
    let mut screen = screen.stdout(Stdio::piped()).spawn().context("cannot start Xvfb")?;
    let mut number = String::new();
    let output = screen.stdout.take().context("Xvfb has no output")?;
    BufReader::new(output).read_line(&mut number).context("Xvfb does not tell its number")?;

    // This port was free a moment ago. The driver must be given a port, because it does not report its own.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut driver = Command::new(tools::WEBKITDRIVER.path);
    home.lend(&mut driver)?;
    driver.env("DISPLAY", format!(":{}", number.trim())).arg(format!("--port={}", address.port()));
    driver.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start WebKitWebDriver")?;
    wait_for(address)?;
    Ok(format!("http://{address}"))
}

/// Waits until the port accepts connections.
fn wait_for(address: SocketAddr) -> Result<()> {
    for _ in 0..24_000 {
        if TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    bail!("waited in vain for WebKitWebDriver")
}

/// The runner's default of 20 s applies to one page, which runs all tests of a program.
const SECONDS_FOR_ALL_TESTS: &str = "600";

/// The runner's default of 5 s for the start of a driver is too short on a busy machine.
const SECONDS_FOR_A_DRIVER: &str = "120";

/// Returns the test programs to build. The examples of the documentation are not among them, because the runner would
/// count them as passed without running them.
fn programs(project: &Project) -> Result<Vec<&'static str>> {
    let integration = project::files_in(&project.path("tests"))?;
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    if integration.iter().any(is_rust) {
        return Ok(vec!["--lib", "--test", "*"]);
    }
    Ok(vec!["--lib"])
}

/// A home folder for one run, in which browsers write their profiles. Processes that still use it are ended on drop.
#[derive(Debug)]
struct Home(Scratch);

impl Home {
    fn new() -> Result<Self> {
        Ok(Self(Scratch::new("home")?))
    }

    /// Sets the home folder of a command and of all processes that it starts.
    fn lend(&self, command: &mut Command) -> Result<()> {
        let real = PathBuf::from(env::var_os("HOME").context("HOME is not set; set it to your home folder")?);
        let here = self.0.path();
        // Rust is installed in the real home folder.
        for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            if env::var_os(variable).is_none() {
                command.env(variable, real.join(folder));
            }
        }
        for variable in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR"] {
            command.env(variable, here);
        }
        Ok(())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let left = processes_naming(self.0.path());
        if !left.is_empty() {
            // A driver does not end by itself if its browser crashed.
            let _ = Command::new("kill").arg("-KILL").args(left).status();
        }
    }
}

/// Returns the processes with a path in their environment or arguments. Only processes that were started with
/// [`Home::lend`] have it.
fn processes_naming(path: &Path) -> Vec<String> {
    let path = path.as_os_str().as_encoded_bytes();
    let names = |file: PathBuf| {
        fs::read(file).is_ok_and(|content| content.windows(path.len()).any(|window| window == path))
    };
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| names(entry.path().join("environ")) || names(entry.path().join("cmdline")))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::Home;

    #[test]
    fn what_was_started_in_a_home_ends_with_it() {
        let home = Home::new().unwrap();
        let mut command = Command::new("sleep");
        home.lend(&mut command).unwrap();
        let mut child = command.arg("600").spawn().unwrap();

        drop(home);

        assert!(!child.wait().unwrap().success());
    }
}
