//! `cargo xtask test`: runs the selected parts and prints a line with the sum of their tests.
//!
//! A part does not pass if it is skipped: its requirements are installed, and a part in which no test ran has failed.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::count::Counts;
use crate::parts::{Part, Run, Selection, Work};
use crate::process::Ending;
use crate::project::Project;

/// Runs the selected parts, continues after failures, and prints the counts.
pub(crate) fn run(project: &Project, selection: &Selection) -> ExitCode {
    let run = Run::new(project, selection.extent());
    let mut total = Counts::default();
    let mut summary = Vec::new();
    for part in selection.parts() {
        println!("\n=== {}: {}", part.name, part.about);
        let (counts, duration) = timed(|| outcome(part, &run));
        let line = verdict(part.name, counts, duration);
        println!("--- {line}");
        summary.push(line);
        total += counts;
    }
    println!("\n{}\n", summary.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Runs a part and returns its counts. Prints the reason of a failure.
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

/// Checks that the exit status of a runner agrees with its counts.
fn conclude(ending: Ending, counts: Counts) -> Result<Counts> {
    match ending {
        Ending::Succeeded if counts.total() == 0 => bail!("no test ran, which proves nothing"),
        Ending::Succeeded => Ok(counts),
        // All tests passed or none started, but the runner failed.
        Ending::Failed(reason) if counts.failed == 0 => {
            println!("error: {reason}");
            Ok(Counts { failed: 1, ..counts })
        }
        Ending::Failed(_) => Ok(counts),
    }
}

#[cfg(test)]
mod tests {
    use super::conclude;
    use crate::count::Counts;
    use crate::process::Ending;

    #[test]
    fn a_part_without_a_test_has_failed() {
        assert!(conclude(Ending::Succeeded, Counts::default()).is_err());
    }

    #[test]
    fn a_runner_that_fails_beside_its_tests_counts_as_one_failure() {
        let counts = Counts { passed: 3, failed: 0 };

        let concluded = conclude(Ending::Failed("it failed".to_owned()), counts).unwrap();

        assert_eq!(concluded, Counts { passed: 3, failed: 1 });
    }
}
