//! Versions in `Cargo.lock`.

use anyhow::{Result, bail};

/// Returns the version of a locked crate.
///
/// # Errors
///
/// The crate is missing, or present in more than one version.
pub(crate) fn version_of<'lock>(lock: &'lock str, name: &str) -> Result<&'lock str> {
    let wanted = format!("name = \"{name}\"");
    let mut versions = lock
        .split("[[package]]")
        .filter(|package| package.lines().any(|line| line == wanted))
        .filter_map(|package| package.lines().find_map(|line| line.strip_prefix("version = \"")))
        .map(|version| version.trim_end_matches('"'));
    let Some(version) = versions.next() else {
        bail!("Cargo.lock names no crate `{name}`; run `cargo build` once to update it");
    };
    if let Some(other) = versions.next() {
        bail!("Cargo.lock has `{name}` twice, {version} and {other}; make the requirements agree");
    }
    Ok(version)
}

#[cfg(test)]
mod tests {
    use super::version_of;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "wasm-bindgen"
version = "0.2.130"
dependencies = [
 "wasm-bindgen-macro",
]

[[package]]
name = "wasm-bindgen-macro"
version = "0.2.131"

[[package]]
name = "syn"
version = "2.0.0"

[[package]]
name = "syn"
version = "3.0.0"
"#;

    #[test]
    fn the_version_is_that_of_the_crate_with_exactly_this_name() {
        assert_eq!(version_of(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
        assert_eq!(version_of(LOCK, "wasm-bindgen-macro").unwrap(), "0.2.131");
    }

    #[test]
    fn a_missing_or_doubled_crate_is_named() {
        assert!(version_of(LOCK, "serde").unwrap_err().to_string().contains("`serde`"));
        assert!(version_of(LOCK, "syn").unwrap_err().to_string().contains("2.0.0 and 3.0.0"));
    }
}
