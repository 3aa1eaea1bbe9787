//! Paths, versions and files of the repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::lock;

/// The repository on this machine.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
    lock: String,
}

impl Project {
    /// Opens the repository that this tool was started from.
    ///
    /// # Errors
    ///
    /// `Cargo.lock` cannot be read.
    pub(crate) fn open() -> Result<Self> {
        // Cargo sets this variable when it runs the tool, so a repository that was moved is found. The value from
        // compile time is for a tool that was started directly.
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .parent()
            .context("the build tool has no parent folder; start it with `cargo xtask`")?
            .to_owned();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Self::at(root, target)
    }

    /// Opens the repository in a folder, with a target folder for cargo.
    ///
    /// # Errors
    ///
    /// `Cargo.lock` cannot be read.
    pub(crate) fn at(root: PathBuf, target: PathBuf) -> Result<Self> {
        let lock = read(&root.join("Cargo.lock"))?;
        Ok(Self { root, target, lock })
    }

    /// The target folder of every cargo command of this tool.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Returns a path below the repository.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The folder in which the npm package is built.
    ///
    /// Always in the repository, whatever `CARGO_TARGET_DIR` is, because tsconfig.json names a file in it.
    pub(crate) fn npm(&self) -> PathBuf {
        self.path("target/npm")
    }

    /// Returns the locked version of a crate, which may be one of this repository.
    ///
    /// # Errors
    ///
    /// `Cargo.lock` does not contain the crate.
    pub(crate) fn version_of(&self, name: &str) -> Result<&str> {
        lock::version_of(&self.lock, name)
    }

    /// Returns the version of the npm package.
    ///
    /// # Errors
    ///
    /// `Cargo.lock` does not contain the crate.
    pub(crate) fn version(&self) -> Result<&str> {
        self.version_of("graphql-token-manager")
    }

    /// Creates a cargo command for this repository.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.command("cargo");
        command.env("CARGO_TARGET_DIR", &self.target);
        command
    }

    /// Creates a command of an installed npm package, such as `esbuild`.
    pub(crate) fn npm_command(&self, name: &str) -> Command {
        self.command(self.path("node_modules/.bin").join(name))
    }

    /// Creates a command with the repository as its working directory.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir(&self.root);
        command
    }
}

/// Reads a text file. An error contains its path.
///
/// # Errors
///
/// The file is missing, unreadable or not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file and creates its folders. An error contains its path.
///
/// # Errors
///
/// The file cannot be written.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Copies a file and creates the folders of the destination. An error contains both paths.
///
/// # Errors
///
/// The source is missing or the destination cannot be written.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Removes a folder, if it exists.
///
/// # Errors
///
/// A file or folder in it cannot be removed.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Returns the files below a folder as relative paths with `/`, sorted. Folders with installed npm packages are
/// omitted.
///
/// # Errors
///
/// A folder cannot be read.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(folder, "", &mut files)?;
    files.sort();
    Ok(files)
}

/// Returns the files directly in a folder, and an empty list if the folder does not exist.
///
/// # Errors
///
/// The folder cannot be read.
pub(crate) fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.is_file());
    Ok(paths)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if entry.file_name() == "node_modules" {
                continue;
            }
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push(name);
        }
    }
    Ok(())
}
