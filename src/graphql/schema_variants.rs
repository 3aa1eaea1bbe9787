//! What has been learned of an API: which spelling it takes, whether it renews.

use crate::provider::{MAX_SCHEMA_NAMES, Profile, SchemaName};

/// Which of a profile's spellings something is true of, by their places.
pub(super) type NameFlags = [bool; MAX_SCHEMA_NAMES];

/// What has been learned of an API: which spelling it takes, whether it renews.
///
/// Kept for as long as the manager lives, so that each lesson costs one request. At first
/// it is what is likeliest.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaVariants {
    /// For each spelling of the profile, which variant it takes.
    variants: [u8; MAX_SCHEMA_NAMES],
    pub(super) accept: Accept,
    pub(super) renewal: RefreshOperation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Accept {
    /// Both media types (GraphQL over HTTP section 5.2).
    #[default]
    Standard,
    /// The legacy one alone, for a server that answered 406.
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RefreshOperation {
    #[default]
    Assumed,
    /// The API does not have the operation.
    Absent,
}

impl SchemaVariants {
    /// How `spelling`, which is the profile's at `place`, is written now.
    pub(super) fn word(&self, place: usize, spelling: &SchemaName) -> &'static str {
        spelling.variants[usize::from(self.variants[place])]
    }

    /// `document` with its words spelled.
    pub(super) fn spell(&self, profile: &Profile, document: &str) -> String {
        if profile.spellings.is_empty() {
            return document.to_owned();
        }
        let mut spelled = String::new();
        // Every other part stands between percent signs.
        for part in document.split('%') {
            let mut word = part;
            for (place, spelling) in profile.spellings.iter().enumerate() {
                if spelling.name == part {
                    word = self.word(place, spelling);
                }
            }
            spelled.push_str(word);
        }
        spelled
    }

    /// Goes on from how `spoken` spelled the word at `place`: this may have learned since.
    pub(super) fn respell(&mut self, place: usize, spelling: &SchemaName, spoken: &Self) {
        let next = usize::from(spoken.variants[place]) + 1;
        self.variants[place] = if next < spelling.variants.len() { next as u8 } else { 0 };
    }
}
