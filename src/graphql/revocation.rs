//! Exchange of a revocation: a GraphQL operation, or a form for each token (RFC 7009).

use crate::{
    core::{AccessToken, ErrorCode, RevokedTokens, TokenError},
    provider::{Authorization, GrantProtocol, Profile, Revocation, SelectorPolicy},
};

use super::{
    renewal::presented_tokens,
    request::{RequestBuilder, RequestTarget},
    response::{ParsedResponse, contains_ignore_case},
};

/// The revocation of the tokens of one session.
#[derive(Debug)]
pub(super) struct RevocationExchange<'a> {
    pub(super) revocation: &'a Revocation,
    /// A form removes the refresh token once it was sent.
    tokens: RevokedTokens,
    /// Set if a form has revoked the refresh token.
    is_refresh_token_revoked: bool,
    failure: Option<TokenError>,
}

impl<'a> RevocationExchange<'a> {
    pub(super) const fn new(revocation: &'a Revocation, tokens: RevokedTokens) -> Self {
        Self { revocation, tokens, is_refresh_token_revoked: false, failure: None }
    }

    fn is_form(&self) -> bool {
        self.revocation.operation.protocol == GrantProtocol::Form
    }

    /// Adds the tokens to a request. Of forms, that of the refresh token goes first: with it, a server may revoke the
    /// access tokens as well (RFC 7009 section 2.1).
    pub(super) fn complete<'b>(&'b self, builder: &mut RequestBuilder<'b>) {
        let Revocation { has_headers, secrets, .. } = self.revocation;
        let RevokedTokens { access_token, refresh_token } = &self.tokens;
        // Variables that a selector may replace are those of GraphQL operations.
        if self.is_form() || builder.profile.selector_policy == SelectorPolicy::Any {
            builder.chosen = &[];
        }
        builder.access_token = access_token.as_ref().map(AccessToken::expose);
        builder.token_type_hint = "access_token";
        // Both, if the access token is presented to renew itself.
        let refresh_token = refresh_token.as_ref().and_then(|token| presented_tokens(token).1);
        builder.refresh_token = refresh_token;
        if let (true, Some(refresh_token)) = (self.is_form(), refresh_token) {
            builder.access_token = Some(refresh_token);
            builder.token_type_hint = "refresh_token";
        }
        let headers = if *has_headers { &*builder.profile.headers } else { &[] };
        builder.target = RequestTarget { credentials_mode: None, headers, secret_names: secrets };
    }

    /// Interprets a response. Returns `None` if another request follows.
    pub(super) fn handle_response(
        &mut self,
        profile: &Profile,
        parsed: &ParsedResponse,
    ) -> Option<Result<(), TokenError>> {
        let is_graphql = self.revocation.operation.protocol == GrantProtocol::GraphQl;
        let is_done = if parsed.is_success() {
            !is_graphql || (parsed.data().is_some() && parsed.errors().is_empty())
        } else {
            // A server may revoke access tokens by their refresh token alone (RFC 7009 section 2.2.1).
            self.is_refresh_token_revoked && has_code(parsed, "unsupported_token_type")
        };
        let failure = (!is_done).then(|| self.error(profile, parsed));
        self.end_token(failure)
    }

    /// Ends the request of a token. Returns `None` if another one follows: a failure for one token says nothing about the
    /// other.
    pub(super) fn end_token(&mut self, failure: Option<TokenError>) -> Option<Result<(), TokenError>> {
        self.is_refresh_token_revoked = failure.is_none();
        self.failure = self.failure.take().or(failure);
        if self.is_form() && self.tokens.refresh_token.take().is_some() && self.tokens.access_token.is_some()
        {
            return None;
        }
        Some(self.failure.take().map_or(Ok(()), Err))
    }

    fn error(&self, profile: &Profile, parsed: &ParsedResponse) -> TokenError {
        let rules = &profile.error_rules;
        let is_denied = parsed.matches(&rules.rejected) || parsed.matches(&rules.denied);
        let code = if parsed.matches(&rules.rate_limited) {
            ErrorCode::RateLimited
        } else if has_code(parsed, "invalid_client")
            || is_denied && (parsed.status == 401 || !parsed.is_intercepted())
        {
            if self.revocation.operation.authorization == Authorization::AccessToken {
                ErrorCode::TokenRejected
            } else {
                ErrorCode::InvalidCredentials
            }
        } else if parsed.status >= 500 || parsed.status == 408 {
            ErrorCode::Server
        } else {
            ErrorCode::Protocol
        };
        let (name, summary) = (&*profile.name, parsed.summary());
        let what = match (self.revocation.operation.protocol, parsed.kind) {
            (GrantProtocol::GraphQl, kind) => ["answered with ", kind.description()].concat(),
            _ => "did not revoke the token".to_owned(),
        };
        let message = format!("{name} {what} ({summary}); check `provider.revoke`");
        parsed.error(name, code, message)
    }
}

fn has_code(parsed: &ParsedResponse, code: &str) -> bool {
    contains_ignore_case(parsed.codes().as_bytes(), code)
}
