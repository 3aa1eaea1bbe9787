//! Runs other programs, and turns their failures into errors that say what ran.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Tells what happens next, on stderr: stdout belongs to results.
pub(crate) fn say(message: &str) {
    eprintln!("==> {message}");
}

/// Runs a program on this terminal.
///
/// # Errors
///
/// It cannot be started, or ends with a failure.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| cannot_start(&shown))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs a program and returns what it wrote to stdout.
///
/// # Errors
///
/// It cannot be started, ends with a failure, or writes something else than UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let output = command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(&shown))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        bail!("`{shown}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` wrote something else than UTF-8"))
}

/// How a program that was watched ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Exit status 0.
    Succeeded,
    /// Any other status, in words.
    Failed(String),
}

impl Ending {
    /// How two programs ended, one after the other.
    pub(crate) fn and(self, other: Self) -> Self {
        match self {
            Self::Succeeded => other,
            Self::Failed(_) => self,
        }
    }
}

/// Runs a program on this terminal, and also returns what it wrote to stdout.
///
/// # Errors
///
/// It cannot be started. That it fails is part of the answer.
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

/// The command as one would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    words.join(" ")
}

fn cannot_start(shown: &str) -> String {
    format!("cannot start `{shown}`; is the program installed and on the PATH?")
}
