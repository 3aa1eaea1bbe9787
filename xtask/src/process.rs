//! Runs other programs. An error contains the command that failed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Prints the next step to stderr; stdout is for results.
pub(crate) fn say(message: &str) {
    eprintln!("==> {message}");
}

/// Runs a program with the terminal's input and output.
///
/// # Errors
///
/// The program cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| cannot_start(&shown))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and returns its stdout.
///
/// # Errors
///
/// The program cannot be started, fails, or prints text that is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(&shown))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        bail!("`{shown}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` wrote something else than UTF-8"))
}

/// The exit status of a program.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Exit status 0.
    Succeeded,
    /// Any other status, as text.
    Failed(String),
}

impl Ending {
    /// Combines the status of two programs. The first failure is returned.
    pub(crate) fn and(self, other: Self) -> Self {
        match self {
            Self::Succeeded => other,
            Self::Failed(_) => self,
        }
    }
}

/// Runs a program with the terminal's input and output, and returns its exit status and its stdout.
///
/// # Errors
///
/// The program cannot be started.
pub(crate) fn watch(command: &mut Command) -> Result<(Ending, String)> {
    let shown = shown(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| cannot_start(&shown))?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let mut terminal = std::io::stdout().lock();
            terminal.write_all(&line)?;
            terminal.flush()?;
            text.push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    let status = child.wait()?;
    let ending = if status.success() {
        Ending::Succeeded
    } else {
        Ending::Failed(format!("`{shown}` failed ({status})"))
    };
    Ok((ending, text))
}

/// Returns the command as it would be typed.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    words.join(" ")
}

fn cannot_start(shown: &str) -> String {
    format!("cannot start `{shown}`; is the program installed and on the PATH?")
}
