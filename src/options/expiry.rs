//! Expiries: `expiry` of a profile and of its refresh tokens.

use std::time::Duration;

use super::{OptionReader, RawValue, custom::PATH, reader::split_words};
use crate::provider::{ExpiryField, StringList};

/// A described expiry. A JWT's claims are always read; `jwt: true` only rules out another source.
pub(super) struct Expiry {
    /// Location in a response.
    pub(super) field: Option<ExpiryField>,
    /// `lifetimeMs`.
    pub(super) lifetime: Option<Duration>,
}

/// The ways to state an expiry.
pub(super) const EXPIRY: &str =
    "{ expiresIn: path, unit: \"seconds\" }, { expiresAt: path }, { jwt: true } or { lifetimeMs }";

/// Reads `given`, which is `expiry` of `owner`.
pub(super) fn read(owner: &OptionReader<'_>, given: &OptionReader<'_>) -> Expiry {
    given.allow_only("expiresIn expiresAt jwt lifetimeMs unit");
    let unit = given.keyword("unit", "seconds milliseconds");
    let mut count = 0;
    for way in split_words("expiresIn expiresAt jwt lifetimeMs") {
        count += usize::from(given.get(way).is_some());
    }
    if count != 1 {
        owner.report_not_exactly_one("expiry", EXPIRY);
    }
    if unit.is_some() && given.get("expiresIn").is_none() {
        owner.report_at("expiry.unit", &["goes with `expiresIn` alone; leave it out"]);
    }
    let (mut field, mut lifetime) = (None, None);
    if let Some(paths) = given.path_list("expiresIn", PATH) {
        let unit = if unit == Some("milliseconds") { 1 } else { 1000 };
        field = Some(ExpiryField::ExpiresIn {
            paths: StringList::Owned(paths),
            unit: Duration::from_millis(unit),
        });
    } else if let Some(paths) = given.path_list("expiresAt", PATH) {
        field = Some(ExpiryField::ExpiresAt { paths: StringList::Owned(paths) });
    } else if let Some(span) = given.millis("lifetimeMs") {
        lifetime = Some(span);
    } else if !matches!(given.get("jwt"), Some(RawValue::Bool(true))) {
        given.report_invalid("jwt", "true, or tell the expiry in another way");
    }
    Expiry { field, lifetime }
}
