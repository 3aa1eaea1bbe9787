//! Knowledge about an API that responses have provided: schema names, media type, refresh operation.

use crate::provider::{MAX_SCHEMA_NAMES, Profile, SchemaName};

/// Flag per [`SchemaName`] of a profile.
pub(super) type NameFlags = [bool; MAX_SCHEMA_NAMES];

/// Knowledge about an API that responses have provided: schema names, media type, refresh operation.
///
/// Kept for the life of the manager, so each correction costs one request. The default is the most likely state.
#[derive(Clone, Copy, Debug, Default)]
pub struct SchemaVariants {
    /// Index of the variant in use, per name.
    variants: [u8; MAX_SCHEMA_NAMES],
    pub(super) accept: Accept,
    pub(super) refresh_operation: RefreshOperation,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Accept {
    /// Both media types (GraphQL over HTTP section 5.2).
    #[default]
    Standard,
    /// `application/json` only, after a 406 response.
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
    /// Returns the variant in use of `name`, which has this `index` in the profile.
    pub(super) fn current(&self, index: usize, name: &SchemaName) -> &'static str {
        name.variants[usize::from(self.variants[index])]
    }

    /// Replaces the placeholders of `document`.
    pub(super) fn render(&self, profile: &Profile, document: &str) -> String {
        if profile.schema_names.is_empty() {
            return document.to_owned();
        }
        let mut rendered = String::new();
        // Every second part is between percent signs.
        for part in document.split('%') {
            let mut part_text = part;
            for (index, name) in profile.schema_names.iter().enumerate() {
                if name.placeholder == part {
                    part_text = self.current(index, name);
                }
            }
            rendered.push_str(part_text);
        }
        rendered
    }

    /// Selects the variant after the one that `sent` used: this value may have advanced since.
    pub(super) fn advance(&mut self, index: usize, name: &SchemaName, sent: &Self) {
        let next = usize::from(sent.variants[index]) + 1;
        self.variants[index] = if next < name.variants.len() { next as u8 } else { 0 };
    }
}
