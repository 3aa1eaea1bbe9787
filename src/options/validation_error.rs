//! What is told about options that are refused.

use std::cell::OnceCell;

use crate::core::{ErrorCode, TokenError};

/// The first thing that is wrong with what was given.
#[derive(Default)]
pub(super) struct ValidationError(OnceCell<String>);

impl ValidationError {
    /// Notes a message, given in parts, unless there is one already.
    #[cold]
    #[inline(never)]
    pub(super) fn report(&self, message: &[&str]) {
        if self.0.get().is_none() {
            // There is none yet.
            let _ = self.0.set(concat(message));
        }
    }

    /// What is wrong, if anything is.
    pub(super) fn into_result(self) -> Result<(), TokenError> {
        match self.0.into_inner() {
            Some(message) => Err(TokenError::new(ErrorCode::InvalidOptions, message)),
            None => Ok(()),
        }
    }
}

/// The parts of a message in one text.
pub(super) fn concat(parts: &[&str]) -> String {
    parts.concat()
}

/// The path of an item of a list.
pub(super) fn item_path(list: &str, place: usize) -> String {
    format!("{list}[{place}]")
}

/// A key as it may be shown: a secret may have been pasted in its place.
///
/// Keys are words: letters, maybe with `_` or `-` between them and a digit or two
/// at the end. Whatever generates secrets puts digits or signs anywhere.
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

/// The longest key of the contract has 19 letters, the longest usual header 32.
const MAX_KEY_SHOWN: usize = 32;

/// The known word that was most likely meant.
pub(super) fn closest_match<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
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
