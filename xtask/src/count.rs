//! Counts tests in the output of test runners.

use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed, were cancelled or could not run.
    pub(crate) failed: usize,
}

impl Counts {
    /// The result of a check that passed.
    pub(crate) const ONE_PASSED: Self = Self { passed: 1, failed: 0 };
    /// The result of a check that failed.
    pub(crate) const ONE_FAILED: Self = Self { passed: 0, failed: 1 };

    /// The number of tests that ran.
    pub(crate) fn total(self) -> usize {
        self.passed + self.failed
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Returns the sum of the result lines of `cargo test`, one for each test program. The runner of wasm-bindgen prints
/// the same lines.
///
/// `test result: ok. 2 passed; 0 failed; 0 ignored; …`
pub(crate) fn of_cargo(text: &str) -> Counts {
    let mut sum = Counts::default();
    for line in text.lines() {
        let line = without_colours(line);
        let Some(result) = line.strip_prefix("test result: ") else {
            continue;
        };
        let number = |word: &str| {
            result
                .split(['.', ';'])
                .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
                .unwrap_or(0)
        };
        sum += Counts { passed: number("passed"), failed: number("failed") };
    }
    sum
}

/// Parses the summary of Node's test runner, as printed by its `spec` reporter (`ℹ pass 3`) or its `tap` reporter (`#
/// pass 3`). A cancelled test counts as failed.
pub(crate) fn of_node(text: &str) -> Counts {
    // The last line of each kind, because a test may print such a line itself.
    let number = |word: &str| {
        text.lines().rev().find_map(|line| {
            let line = without_colours(line);
            let rest = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# "))?;
            rest.strip_prefix(word)?.trim().parse::<usize>().ok()
        })
    };
    Counts {
        passed: number("pass ").unwrap_or(0),
        failed: number("fail ").unwrap_or(0) + number("cancelled ").unwrap_or(0),
    }
}

/// Removes terminal escape sequences and surrounding blanks.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        // An escape sequence ends with its first letter.
        let end = part.find(|character: char| character.is_ascii_alphabetic());
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Counts, of_cargo, of_node};

    #[test]
    fn the_result_lines_of_all_test_programs_are_added_up() {
        let text = "
running 3 tests
test a ... ok
test result: FAILED. 2 passed; 1 failed; 4 ignored; 0 measured; 9 filtered out; finished in 0.02s

   Doc-tests graphql_token_manager
test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s
";

        assert_eq!(of_cargo(text), Counts { passed: 12, failed: 1 });
    }

    #[test]
    fn colours_hide_no_result() {
        let text = "\u{1b}[0mtest result: \u{1b}[32mok\u{1b}[0m. 5 passed; 0 failed; 0 ignored";

        assert_eq!(of_cargo(text), Counts { passed: 5, failed: 0 });
    }

    #[test]
    fn a_program_that_did_not_compile_or_held_no_test_counts_nothing() {
        assert_eq!(of_cargo("error: could not compile `x`\n").total(), 0);
        assert_eq!(of_cargo("no tests to run!\n").total(), 0);
        assert_eq!(of_node("").total(), 0);
    }

    #[test]
    fn both_of_nodes_reporters_are_understood() {
        let spec =
            "\u{1b}[34mℹ tests 6\u{1b}[39m\nℹ suites 1\nℹ pass 4\nℹ fail 1\nℹ cancelled 1\nℹ skipped 0\n";
        let tap = "# tests 4\n# pass 4\n# fail 0\n# cancelled 0\n";

        assert_eq!(of_node(spec), Counts { passed: 4, failed: 2 });
        assert_eq!(of_node(tap), Counts { passed: 4, failed: 0 });
    }

    #[test]
    fn what_a_test_prints_is_not_taken_for_the_result() {
        let text = "ℹ pass 100\n✔ a test\nℹ tests 1\nℹ pass 1\nℹ fail 0\n";

        assert_eq!(of_node(text), Counts { passed: 1, failed: 0 });
    }
}
