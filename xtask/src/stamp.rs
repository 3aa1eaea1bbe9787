//! Skips a step if its inputs have not changed.
//!
//! A stamp is a file with the fingerprint of a step's inputs, written after the step succeeded. Contents are compared,
//! and modification times are ignored: a checkout that changes the time of every file causes no rebuild, and a change
//! that keeps the time of its file does.

use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::Path;

use anyhow::{Context, Result};

use crate::project;

/// The fingerprint of a step's inputs.
///
/// A hash of 64 bits detects accidental changes, not deliberate collisions. A new compiler may use another hash
/// function, and the step then runs once more.
#[derive(Debug, Default)]
pub(crate) struct Fingerprint(DefaultHasher);

impl Fingerprint {
    /// Adds an input with its length, so that the boundary between two inputs is part of the fingerprint.
    pub(crate) fn add(&mut self, input: &[u8]) -> &mut Self {
        self.0.write_usize(input.len());
        self.0.write(input);
        self
    }

    /// Adds the content of a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) fn add_file(&mut self, path: &Path) -> Result<&mut Self> {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(self.add(&content))
    }

    /// Adds the names and contents of all files below a folder.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(crate) fn add_folder(&mut self, folder: &Path) -> Result<&mut Self> {
        for name in project::files_below(folder)? {
            self.add(name.as_bytes()).add_file(&folder.join(name))?;
        }
        Ok(self)
    }

    /// Returns true if the stamp contains this fingerprint.
    pub(crate) fn matches(&self, stamp: &Path) -> bool {
        fs::read_to_string(stamp).is_ok_and(|text| text == self.text())
    }

    /// Writes the stamp.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn leave(&self, stamp: &Path) -> Result<()> {
        project::write(stamp, self.text())
    }

    fn text(&self) -> String {
        format!("{:016x}\n", self.0.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn where_one_input_ends_and_the_next_begins_matters() {
        let mut one = Fingerprint::default();
        let mut other = Fingerprint::default();

        one.add(b"ab").add(b"c");
        other.add(b"a").add(b"bc");

        assert_ne!(one.text(), other.text());
    }
}
