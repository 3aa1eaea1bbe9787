//! Errors about invalid options.

use std::cell::OnceCell;

use crate::core::{ErrorCode, TokenError};

/// The first error in the given options.
#[derive(Default)]
pub(super) struct ValidationError(OnceCell<String>);

impl ValidationError {
    /// Records a message, given in parts, unless there is one already.
    #[cold]
    #[inline(never)]
    pub(super) fn report(&self, message: &[&str]) {
        if self.0.get().is_none() {
            // The cell is empty.
            let _ = self.0.set(concat(message));
        }
    }

    /// Returns the error, if there is one.
    pub(super) fn into_result(self) -> Result<(), TokenError> {
        match self.0.into_inner() {
            Some(message) => Err(TokenError::new(ErrorCode::InvalidOptions, message)),
            None => Ok(()),
        }
    }
}

/// Concatenates the parts of a message.
pub(super) fn concat(parts: &[&str]) -> String {
    parts.concat()
}

/// Returns the path of a list item.
pub(super) fn item_path(list: &str, index: usize) -> String {
    format!("{list}[{index}]")
}

/// Returns a key where it is safe to show, else `…`: it may be a secret in the wrong place.
///
/// Keys consist of letters, `_` and `-`, with at most two digits at the end. Generated secrets contain digits or other
/// characters anywhere.
pub(super) fn redacted_key(key: &str) -> &str {
    let mut word = key.as_bytes();
    while let [rest @ .., b'0'..=b'9'] = word {
        word = rest;
    }
    let plain = key.len() <= MAX_KEY_SHOWN
        && key.len() - word.len() <= 2
        && word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
    if plain { key } else { "…" }
}

/// The longest option has 19 characters, the longest common header 32.
const MAX_KEY_SHOWN: usize = 32;

/// Returns the most similar known keyword, if one is similar enough.
pub(crate) fn closest_match<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = word.to_ascii_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for &candidate in known {
        let distance = strsim::osa_distance(&lower, &candidate.to_ascii_lowercase());
        let better = best.is_none_or(|best| (distance, candidate) < best);
        if better && distance <= 1.max(candidate.len() / 3) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}
