//! Runs other programs. An error contains the command that failed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

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
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
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
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{shown}`"))?;
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout)?;
        bail!("`{shown}` failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed text that is not UTF-8"))
}

/// Runs a program with the terminal's input and output. Returns its exit status and its stdout.
///
/// # Errors
///
/// The program cannot be started.
pub(crate) fn watch(command: &mut Command) -> Result<(ExitStatus, String)> {
    let shown = shown(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{shown}`"))?;
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
    if !status.success() {
        say(&format!("`{shown}` failed ({status})"));
    }
    Ok((status, text))
}

/// Returns the command as it would be typed.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(std::ffi::OsStr::to_string_lossy));
    words.join(" ")
}
