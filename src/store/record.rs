//! Encoding of the records of a shared store: a token, or the absence of one after a sign-out.

use crate::{
    core::{
        AccessToken, ClockOffset, Generation, RefreshToken, ScopeSet, Secret, StoredRecord, TokenSet,
        TokenTimes, UnixMillis, is_sendable,
        limits::{MAX_ENTRY_BYTES, MAX_LIFETIME_MS},
    },
    json::{Json, Platform, has_too_many_values},
    provider::Lifetime,
};
use std::{rc::Rc, time::Duration};

/// Version of the encoding. Other versions are ignored.
const VERSION: f64 = 1.0;

/// Retention of a refresh token of unknown lifetime beyond the expiry of its access token, and of a sign-out.
///
/// One day. An expired refresh token costs one request. A holder that is
/// suspended for longer discards its token only when another holder has signed in.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// Encodes a record. It contains `key`, so that it is ignored under another key. `wall_ahead` is the offset from the clock
/// of its token to the wall clock, which the holders share.
pub fn encode(record: &StoredRecord, key: &str, wall_ahead: ClockOffset, platform: Platform) -> Secret {
    let at = |point: UnixMillis| Json::Number(point.shifted(wall_ahead).to_js());
    let Generation(generation) = record.generation;
    let tokens = record.tokens.as_ref();
    let record = Json::object(vec![
        ("v", Some(Json::Number(VERSION))),
        ("key", Some(Json::text(key))),
        // A number of JSON has 53 bits.
        ("generation", (generation != 0).then(|| Json::text(format!("{generation:x}")))),
        ("accessToken", tokens.map(|it| Json::text(it.access_token.expose()))),
        ("issuedAt", tokens.map(|it| at(it.issued_at))),
        ("expiresAt", tokens.map(|it| at(it.expires_at))),
        ("clock", tokens.map(|it| Json::Number(it.provider_clock.to_js()))),
        ("refreshToken", tokens.and_then(|it| Some(Json::text(it.refresh_token.as_ref()?.expose())))),
        ("refreshExpiresAt", tokens.and_then(|it| Some(at(it.refresh_token.as_ref()?.expires_at()?)))),
        ("scopes", tokens.and_then(|it| Some(Json::list_of(&mut it.scopes.as_ref()?.iter())))),
    ]);
    Secret::new((platform.write_json)(&record))
}

/// Decodes a record; `None` where it has another version or key, or is invalid.
///
/// Another machine's clock may be wrong: the issue is limited to `now`, and the remaining lifetime to the total
/// lifetime and to the `lifetime` of the profile. `claims` reads the token's own claims.
pub fn decode(
    text: &Secret,
    key: &str,
    now: UnixMillis,
    wall_ahead: ClockOffset,
    lifetime: Lifetime,
    platform: Platform,
    claims: impl Fn(&str) -> TokenTimes,
) -> Option<StoredRecord> {
    if text.expose().len() > MAX_ENTRY_BYTES || has_too_many_values(text.expose()) {
        return None;
    }
    let entry = (platform.parse_json)(text.expose())?;
    let number = |key: &str| entry.get(key)?.as_number();
    let text = |key: &str| entry.get(key)?.as_text();
    if number("v")? != VERSION || text("key")? != key {
        return None;
    }
    let generation = match text("generation") {
        Some(generation) => Generation(u64::from_str_radix(generation, 16).ok()?),
        None => Generation::default(),
    };
    if entry.get("accessToken").is_none() && generation != Generation::default() {
        return Some(StoredRecord { tokens: None, generation });
    }
    let access_token = text("accessToken").filter(|token| is_sendable(token))?;
    let at = |key: &str| Some(UnixMillis::from_js(number(key)?).shifted(wall_ahead.reversed()));
    let (issued_at, expires_at) = (at("issuedAt")?, at("expiresAt")?);
    let lifetime = expires_at.since(issued_at).min(max_lifetime(lifetime));
    let refresh_token = text("refreshToken").filter(|token| !token.is_empty());
    let scopes = match entry.get("scopes") {
        Some(scopes) => Some(ScopeSet::from_external(&mut scopes.texts()).ok()?),
        None => None,
    };
    let (issued_at, expires_at) = (issued_at.min(now), (issued_at + lifetime).min(now + lifetime));
    // An offset that moves both times to the same end of the range of dates is damaged; no offset is better.
    let wall_time = |at: UnixMillis, clock: ClockOffset| at.shifted(clock).to_js();
    let clock = ClockOffset::from_js(number("clock").unwrap_or_default());
    let is_usable = wall_time(issued_at, clock) < wall_time(expires_at, clock);
    let tokens = Rc::new(TokenSet {
        refresh_token: refresh_token.map(|token| RefreshToken::new(token).expiring(at("refreshExpiresAt"))),
        scopes,
        issued_at,
        expires_at,
        provider_clock: if is_usable { clock } else { ClockOffset::default() },
        times: claims(access_token),
        access_token: AccessToken::new(access_token),
    });
    Some(StoredRecord { tokens: Some(tokens), generation })
}

/// Returns the maximum lifetime of a token of this profile.
const fn max_lifetime(lifetime: Lifetime) -> Duration {
    match lifetime {
        Lifetime::AtMost(span) => span,
        Lifetime::Default(_) | Lifetime::Assumed(_) | Lifetime::Declared(_) => {
            Duration::from_millis(MAX_LIFETIME_MS)
        }
    }
}

/// Returns the time until which the store keeps a record that is written at `now`, by the wall clock.
pub fn expires_at(record: &StoredRecord, now: UnixMillis, wall_ahead: ClockOffset) -> UnixMillis {
    let end = match &record.tokens {
        Some(tokens) => match tokens.refresh_token.as_ref().map(RefreshToken::presented_until) {
            Some(Some(end)) => tokens.expires_at.max(end),
            Some(None) => tokens.expires_at + RETENTION,
            None => tokens.expires_at,
        },
        None => now + RETENTION,
    };
    end.shifted(wall_ahead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::native::PLATFORM;

    const KEY: &str = "gtm1-of-this-identity";
    const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn record() -> StoredRecord {
        StoredRecord { tokens: Some(tokens()), generation: Generation(u64::MAX) }
    }

    fn tokens() -> Rc<TokenSet> {
        Rc::new(TokenSet {
            access_token: AccessToken::new("access"),
            refresh_token: Some(RefreshToken::new("refresh")),
            scopes: Some(["B", "A"].into_iter().collect()),
            issued_at: NOW - Duration::from_secs(10),
            expires_at: NOW + Duration::from_secs(170),
            provider_clock: ClockOffset::new(-250),
            times: TokenTimes::default(),
        })
    }

    fn read(text: &str, now: UnixMillis, wall_ahead: ClockOffset) -> Option<StoredRecord> {
        let lifetime = Lifetime::Default(Duration::from_secs(60));
        decode(&Secret::new(text), KEY, now, wall_ahead, lifetime, PLATFORM, |_| TokenTimes::default())
    }

    fn back(text: &str, now: UnixMillis, wall_ahead: ClockOffset) -> Option<Rc<TokenSet>> {
        read(text, now, wall_ahead)?.tokens
    }

    #[test]
    fn decodes_what_was_encoded() {
        for tokens in [Some(tokens()), None] {
            let record = StoredRecord { tokens, generation: Generation(u64::MAX) };
            let text = encode(&record, KEY, ClockOffset::default(), PLATFORM);

            assert_eq!(read(text.expose(), NOW, ClockOffset::default()), Some(record));
        }
    }

    #[test]
    fn a_record_without_a_token_names_its_sign_out() {
        let text = encode(&StoredRecord::default(), KEY, ClockOffset::default(), PLATFORM);

        assert_eq!(read(text.expose(), NOW, ClockOffset::default()), None);
    }

    #[test]
    fn ignores_an_offset_that_leaves_no_lifetime() {
        for clock in [-1_900_000_000_000, 8_640_000_000_000_000, i64::MIN, i64::MAX] {
            let mut ahead = tokens();
            Rc::make_mut(&mut ahead).provider_clock = ClockOffset::new(clock);
            let text = encode(
                &StoredRecord { tokens: Some(ahead), ..record() },
                KEY,
                ClockOffset::default(),
                PLATFORM,
            );
            let read = back(text.expose(), NOW, ClockOffset::default()).expect("an entry");
            let wall_time = |at: UnixMillis| at.shifted(read.provider_clock).to_js();

            assert!(wall_time(read.issued_at) < wall_time(read.expires_at), "{clock}");
            assert_eq!(read.expires_at, tokens().expires_at, "{clock}");
        }
    }

    #[test]
    fn holders_agree_through_the_wall_clock() {
        let text = encode(&record(), KEY, ClockOffset::new(3_000), PLATFORM);
        let reader = back(text.expose(), NOW + Duration::from_secs(60), ClockOffset::new(3_000 - 60_000));

        let read = reader.expect("an entry");
        assert_eq!(read.issued_at, NOW - Duration::from_secs(10) + Duration::from_secs(60));
        assert_eq!(read.expires_at, NOW + Duration::from_secs(170) + Duration::from_secs(60));
    }

    #[test]
    fn limits_issue_to_now_and_lifetime_to_the_total() {
        let text = encode(&record(), KEY, ClockOffset::default(), PLATFORM);
        let a_day_ago = NOW - Duration::from_secs(86_400);

        let read = back(text.expose(), a_day_ago, ClockOffset::default()).expect("an entry");

        assert_eq!(read.issued_at, a_day_ago);
        assert_eq!(read.expires_at, a_day_ago + Duration::from_secs(180));
    }

    #[test]
    fn limits_lifetime_to_the_profile() {
        let good = encode(&record(), KEY, ClockOffset::default(), PLATFORM);
        let end = (NOW + Duration::from_secs(170)).millis().to_string();
        for (end, lifetime, lasts) in [
            (end.as_str(), Lifetime::AtMost(Duration::from_secs(60)), Duration::from_secs(60)),
            ("9000000000000000", Lifetime::AtMost(Duration::from_secs(60)), Duration::from_secs(60)),
            (
                "9000000000000000",
                Lifetime::Default(Duration::from_secs(60)),
                Duration::from_millis(MAX_LIFETIME_MS),
            ),
        ] {
            let text = Secret::new(
                good.expose().replace(&(NOW + Duration::from_secs(170)).millis().to_string(), end),
            );

            let read = decode(&text, KEY, NOW, ClockOffset::default(), lifetime, PLATFORM, |_| {
                TokenTimes::default()
            });

            let tokens = read.expect("an entry").tokens.expect("a token");
            assert_eq!(tokens.expires_at, NOW - Duration::from_secs(10) + lasts, "{end}");
        }
    }

    #[test]
    fn invalid_entry_is_none() {
        let good = encode(&record(), KEY, ClockOffset::default(), PLATFORM);
        let good = good.expose();

        for text in [
            "",
            "null",
            "[]",
            "{}",
            &good[..good.len() / 2],
            &good.replace("\"v\":1", "\"v\":2"),
            &good.replace("\"v\":", "\"x\":"),
            &good.replace(KEY, "gtm1-of-another-identity"),
            &good.replace("\"key\":", "\"x\":"),
            &good.replace("\"access\"", "7"),
            &good.replace("\"access\"", "\"\""),
            &good.replace("\"access\"", "\"a b\""),
            &good.replace("[\"A\",\"B\"]", "[\"A\",\"B\\u001b[31m\"]"),
            &good.replace("\"generation\":\"f", "\"generation\":\"g"),
            &good.replace("\"issuedAt\":", "\"x\":"),
            &good.replace("\"expiresAt\":", "\"x\":"),
            &format!("{good}{}", " ".repeat(MAX_ENTRY_BYTES)),
            &good.replace("\"v\":1", &format!("\"v\":1,\"x\":[0{}]", ",0".repeat(10_000))),
        ] {
            assert_eq!(back(text, NOW, ClockOffset::default()), None, "{}", &text[..text.len().min(200)]);
        }
    }

    #[test]
    fn entry_may_have_one_mib() {
        let text = encode(&record(), KEY, ClockOffset::default(), PLATFORM);
        let spaces = " ".repeat(MAX_ENTRY_BYTES - text.expose().len());

        assert_eq!(back(&format!("{}{spaces}", text.expose()), NOW, ClockOffset::default()), Some(tokens()));
    }

    #[test]
    fn missing_or_empty_refresh_token_is_none() {
        let text = encode(&record(), KEY, ClockOffset::default(), PLATFORM);

        for change in ["\"refreshToken\":\"\"", "\"refreshToken\":null", "\"other\":1"] {
            let text = text.expose().replace("\"refreshToken\":\"refresh\"", change);
            let read = back(&text, NOW, ClockOffset::default()).expect("an entry");
            assert_eq!(read.refresh_token, None, "{change}");
        }
    }

    #[test]
    fn refresh_token_extends_retention_by_a_day() {
        let mut without = record();
        Rc::make_mut(without.tokens.as_mut().expect("a token")).refresh_token = None;
        let (end, wall_ahead) = (tokens().expires_at, ClockOffset::new(500));

        assert_eq!(expires_at(&without, NOW, wall_ahead), end + Duration::from_millis(500));
        assert_eq!(expires_at(&record(), NOW, ClockOffset::default()), end + RETENTION);
        assert_eq!(RETENTION.as_secs(), 86_400);
    }

    #[test]
    fn a_refresh_token_keeps_its_expiry_across_clocks() {
        let end = NOW + Duration::from_secs(90 * 86_400);
        let mut tokens = tokens();
        Rc::make_mut(&mut tokens).refresh_token = Some(RefreshToken::new("refresh").expiring(Some(end)));
        let record = StoredRecord { tokens: Some(tokens), ..record() };
        let text = encode(&record, KEY, ClockOffset::new(3_000), PLATFORM);

        let read = back(text.expose(), NOW, ClockOffset::new(3_000 - 60_000)).expect("an entry");

        let read = read.refresh_token.clone().expect("a refresh token");
        assert_eq!(read.expires_at(), Some(end + Duration::from_secs(60)));
        assert_eq!(expires_at(&record, NOW, ClockOffset::default()), end + Duration::from_secs(60));
    }

    #[test]
    fn a_refresh_token_without_a_readable_expiry_is_kept() {
        let text = encode(&record(), KEY, ClockOffset::default(), PLATFORM);

        for change in
            ["\"refreshToken\":\"refresh\"", "\"refreshToken\":\"refresh\",\"refreshExpiresAt\":\"x\""]
        {
            let text = text.expose().replace("\"refreshToken\":\"refresh\"", change);
            let read = back(&text, NOW, ClockOffset::default()).expect("an entry");
            assert_eq!(read.refresh_token.clone().map(|it| it.expires_at()), Some(None), "{change}");
        }
    }

    #[test]
    fn a_short_lived_refresh_token_does_not_shorten_the_retention() {
        let mut tokens = tokens();
        Rc::make_mut(&mut tokens).refresh_token = Some(RefreshToken::new("refresh").expiring(Some(NOW)));
        let record = StoredRecord { tokens: Some(Rc::clone(&tokens)), ..record() };

        assert_eq!(expires_at(&record, NOW, ClockOffset::default()), tokens.expires_at);
    }

    #[test]
    fn a_sign_out_is_retained_for_a_day() {
        let cleared = StoredRecord { tokens: None, ..record() };

        assert_eq!(expires_at(&cleared, NOW, ClockOffset::default()), NOW + RETENTION);
    }
}
