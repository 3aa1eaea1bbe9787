//! Checks that the package depends on its sources alone: a second build, in another folder, must produce the same
//! bytes.
//!
//! This allows a reader of the repository to check that the published tarball was built from it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::process::say;
use crate::project::{self, Project};
use crate::tools::Scratch;
use crate::{package, wasm};

/// Folders that are not sources: created by builds, or installed by npm.
const NOT_SOURCES: &[&str] = &[".git", "target", "node_modules"];

/// Builds the package a second time, in a folder with another name, and compares the results.
///
/// # Errors
///
/// The second build fails, or a file of it differs. The message names the first that differs.
pub(crate) fn check(project: &Project) -> Result<()> {
    say("Building the package again in another folder");
    let scratch = Scratch::new("another-folder-for-the-second-build")?;
    let other = copy(project, scratch.path())?;
    let second = package::pack(&other)?;
    let first = project.npm().join(package::tarball_name(project)?);
    same(&wasm::module(project), &wasm::module(&other))?;
    for name in project::files_below(&package::folder(project))? {
        same(&package::folder(project).join(&name), &package::folder(&other).join(&name))?;
    }
    same(&first, &second)
}

/// Copies the sources to a folder with its own target folder. It shares the installed npm packages.
fn copy(project: &Project, root: &Path) -> Result<Project> {
    for entry in fs::read_dir(project.path("")).context("cannot list the repository")? {
        let entry = entry.context("cannot list the repository")?;
        let name = entry.file_name();
        if NOT_SOURCES.iter().any(|other| name == *other) {
            continue;
        }
        if entry.path().is_dir() {
            package::copy_folder(&entry.path(), &root.join(&name))?;
        } else {
            project::copy(&entry.path(), &root.join(&name))?;
        }
    }
    std::os::unix::fs::symlink(project.path("node_modules"), root.join("node_modules"))
        .context("cannot link node_modules into the second folder")?;
    Project::at(root.to_owned(), root.join("target"))
}

/// Compares two files byte by byte.
///
/// # Errors
///
/// A file cannot be read, or the files differ. The message names both and the first difference.
fn same(first: &PathBuf, second: &PathBuf) -> Result<()> {
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let (one, other) = (read(first)?, read(second)?);
    let at = one.iter().zip(&other).position(|(a, b)| a != b).unwrap_or(one.len().min(other.len()));
    ensure!(
        one == other,
        "the build is not reproducible: {} has {} bytes, {} has {}, and they differ from byte {at} on",
        first.display(),
        one.len(),
        second.display(),
        other.len(),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::same;
    use crate::tools::Scratch;

    #[test]
    fn files_that_differ_are_named_with_the_first_difference() {
        let scratch = Scratch::new("reproducible-test").unwrap();
        let [one, other, longer] = ["one", "other", "longer"].map(|name| scratch.path().join(name));
        fs::write(&one, "abc").unwrap();
        fs::write(&other, "abd").unwrap();
        fs::write(&longer, "abcd").unwrap();

        assert!(same(&one, &one).is_ok());
        assert!(same(&one, &other).unwrap_err().to_string().contains("from byte 2 on"));
        assert!(same(&one, &longer).unwrap_err().to_string().contains("from byte 3 on"));
    }
}
