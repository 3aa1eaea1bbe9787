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
    pub(super) refresh_operation: RefreshOperation,
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
    /// How `name`, which is the profile's at `place`, is written now.
    pub(super) fn current(&self, place: usize, name: &SchemaName) -> &'static str {
        name.variants[usize::from(self.variants[place])]
    }

    /// `document` with its words spelled.
    pub(super) fn render(&self, profile: &Profile, document: &str) -> String {
        if profile.schema_names.is_empty() {
            return document.to_owned();
        }
        let mut rendered = String::new();
        // Every other part stands between percent signs.
        for part in document.split('%') {
            let mut part_text = part;
            for (place, name) in profile.schema_names.iter().enumerate() {
                if name.placeholder == part {
                    part_text = self.current(place, name);
                }
            }
            rendered.push_str(part_text);
        }
        rendered
    }

    /// Goes on from how `sent` spelled the word at `place`: this may have learned since.
    pub(super) fn advance(&mut self, place: usize, name: &SchemaName, sent: &Self) {
        let next = usize::from(sent.variants[place]) + 1;
        self.variants[place] = if next < name.variants.len() { next as u8 } else { 0 };
    }
}
