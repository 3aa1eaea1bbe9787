//! Files that are generated from the tables of the core, and the comparison of the tables with the types.
//!
//! `UPDATE_GENERATED=1 cargo test generated` writes the files; without it, the tests fail if one of them differs. The
//! types are written by hand, because their documentation is prose; their names, defaults and ranges are compared here.

mod javascript;
mod types;

use std::{env, fs, path::PathBuf};

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Compares a file with its generated text, or writes it if `UPDATE_GENERATED` is set.
fn assert_generated(file: &str, text: &str) {
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(path(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
    for (number, (found, expected)) in read(file).lines().zip(text.lines()).enumerate() {
        assert_eq!(
            found,
            expected,
            "line {} of {file}; run `UPDATE_GENERATED=1 cargo test generated`",
            number + 1
        );
    }
    assert_eq!(read(file), text, "{file} differs; run `UPDATE_GENERATED=1 cargo test generated`");
}
