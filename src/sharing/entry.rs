//! A token as it is written down for other holders.

use crate::{
    core::{
        AccessToken, RefreshToken, ScopeSet, Secret, Skew, Stamp, TokenSet, Tokens, UnixMillis, is_sendable,
    },
    json::{Json, Platform},
};
use std::time::Duration;

/// The version of what is written here. Another one is read as nothing.
const VERSION: f64 = 1.0;

/// The longest entry that is read, in bytes: a MiB, which no token fills.
pub const LONGEST: usize = 1 << 20;

/// How much longer than its access token a refresh token is kept.
///
/// A day: no provider says how long its refresh tokens live. One that has ended by
/// then costs one request.
const REFRESH_TOKEN_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Writes `tokens` down under `key`, which is in the entry as well: found under another
/// one, it is somebody else's token. `wall_ahead` is how far the wall clock, which holders have in
/// common, is ahead of the clock that `tokens` go by.
pub fn write(tokens: &TokenSet, key: &str, wall_ahead: Skew, platform: Platform) -> Secret {
    let at = |point: UnixMillis| Json::Number(point.shifted(wall_ahead).to_js());
    let mut members = Vec::new();
    let mut add = |key: &str, value| members.push((key.to_owned(), value));
    add("v", Json::Number(VERSION));
    add("key", Json::text(key));
    add("accessToken", Json::text(tokens.access_token.expose()));
    add("issuedAt", at(tokens.issued_at));
    add("expiresAt", at(tokens.expires_at));
    add("clock", Json::Number(tokens.provider_clock.to_js()));
    if let Some(refresh_token) = &tokens.refresh_token {
        add("refreshToken", Json::text(refresh_token.expose()));
    }
    if let Some(scopes) = &tokens.scopes {
        add("scopes", Json::List(scopes.iter().map(Json::text).collect()));
    }
    Secret::new((platform.write_json)(&Json::Map(members)))
}

/// Reads what another holder wrote; `None` where it is no entry of this version, or of
/// another key.
///
/// Another machine's clock may be wrong: nothing is believed to have been issued in the
/// future, or to live longer from now on than it did in all. `stamp` reads the token's
/// own claims.
pub fn read(
    text: &Secret,
    key: &str,
    now: UnixMillis,
    wall_ahead: Skew,
    platform: Platform,
    stamp: impl Fn(&str) -> Stamp,
) -> Option<TokenSet> {
    if text.expose().len() > LONGEST {
        return None;
    }
    let entry = (platform.parse_json)(text.expose())?;
    let number = |key: &str| entry.get(key)?.as_number();
    let text = |key: &str| entry.get(key)?.as_text();
    if number("v")? != VERSION || text("key")? != key {
        return None;
    }
    let access_token = text("accessToken").filter(|token| is_sendable(token))?;
    let at = |key: &str| Some(UnixMillis::from_js(number(key)?).shifted(wall_ahead.reversed()));
    let (issued_at, expires_at) = (at("issuedAt")?, at("expiresAt")?);
    let lifetime = expires_at.since(issued_at);
    let refresh_token = text("refreshToken").filter(|token| !token.is_empty());
    let scopes = entry
        .get("scopes")
        .map(|scopes| -> ScopeSet { scopes.items().iter().filter_map(Json::as_text).collect() });
    Some(TokenSet::from(Tokens {
        refresh_token: refresh_token.map(RefreshToken::new),
        scopes,
        issued_at: issued_at.min(now),
        expires_at: expires_at.min(now + lifetime),
        provider_clock: Skew::from_js(number("clock").unwrap_or_default()),
        stamp: stamp(access_token),
        access_token: AccessToken::new(access_token),
    }))
}

/// Until when the store is to keep `tokens`, by the wall clock.
pub fn keep_until(tokens: &TokenSet, wall_ahead: Skew) -> UnixMillis {
    let end = tokens.expires_at.shifted(wall_ahead);
    if tokens.refresh_token.is_some() { end + REFRESH_TOKEN_KEPT } else { end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::native::PLATFORM;

    const KEY: &str = "gtm1-of-this-identity";
    const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

    fn tokens() -> TokenSet {
        TokenSet::from(Tokens {
            access_token: AccessToken::new("access"),
            refresh_token: Some(RefreshToken::new("refresh")),
            scopes: Some(["B", "A"].into_iter().collect()),
            issued_at: NOW - Duration::from_secs(10),
            expires_at: NOW + Duration::from_secs(170),
            provider_clock: Skew::new(-250),
            stamp: Stamp::default(),
        })
    }

    fn back(text: &str, now: UnixMillis, wall_ahead: Skew) -> Option<TokenSet> {
        read(&Secret::new(text), KEY, now, wall_ahead, PLATFORM, |_| Stamp::default())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = write(&tokens(), KEY, Skew::default(), PLATFORM);

        assert_eq!(back(text.expose(), NOW, Skew::default()), Some(tokens()));
    }

    #[test]
    fn clocks_that_go_by_other_numbers_agree_through_the_wall_clock() {
        let text = write(&tokens(), KEY, Skew::new(3_000), PLATFORM);
        let reader = back(text.expose(), NOW + Duration::from_secs(60), Skew::new(3_000 - 60_000));

        let read = reader.expect("an entry");
        assert_eq!(read.issued_at, NOW - Duration::from_secs(10) + Duration::from_secs(60));
        assert_eq!(read.expires_at, NOW + Duration::from_secs(170) + Duration::from_secs(60));
    }

    #[test]
    fn nothing_comes_from_the_future_or_lives_longer_than_it_did_in_all() {
        let text = write(&tokens(), KEY, Skew::default(), PLATFORM);
        let a_day_ago = NOW - Duration::from_secs(86_400);

        let read = back(text.expose(), a_day_ago, Skew::default()).expect("an entry");

        assert_eq!(read.issued_at, a_day_ago);
        assert_eq!(read.expires_at, a_day_ago + Duration::from_secs(180));
    }

    #[test]
    fn what_is_no_entry_is_nothing() {
        let good = write(&tokens(), KEY, Skew::default(), PLATFORM);
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
            &good.replace("\"issuedAt\":", "\"x\":"),
            &good.replace("\"expiresAt\":", "\"x\":"),
            &format!("{good}{}", " ".repeat(LONGEST)),
        ] {
            assert_eq!(back(text, NOW, Skew::default()), None, "{}", &text[..text.len().min(200)]);
        }
    }

    #[test]
    fn an_entry_may_be_a_mib_long() {
        let text = write(&tokens(), KEY, Skew::default(), PLATFORM);
        let spaces = " ".repeat(LONGEST - text.expose().len());

        assert_eq!(back(&format!("{}{spaces}", text.expose()), NOW, Skew::default()), Some(tokens()));
    }

    #[test]
    fn a_refresh_token_that_is_missing_or_empty_is_none() {
        let text = write(&tokens(), KEY, Skew::default(), PLATFORM);

        for change in ["\"refreshToken\":\"\"", "\"refreshToken\":null", "\"other\":1"] {
            let text = text.expose().replace("\"refreshToken\":\"refresh\"", change);
            let read = back(&text, NOW, Skew::default()).expect("an entry");
            assert_eq!(read.refresh_token, None, "{change}");
        }
    }

    #[test]
    fn an_entry_is_kept_a_day_longer_for_its_refresh_token() {
        let with = tokens();
        let mut without = tokens();
        without.refresh_token = None;

        assert_eq!(keep_until(&without, Skew::new(500)), with.expires_at + Duration::from_millis(500));
        assert_eq!(keep_until(&with, Skew::default()), with.expires_at + REFRESH_TOKEN_KEPT);
        assert_eq!(REFRESH_TOKEN_KEPT.as_secs(), 86_400);
    }
}
