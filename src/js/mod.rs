//! The interface between the core and the JavaScript of the package.
//!
//! The public class is plain JavaScript (`pkg-template/src`). It is built on this interface, which is not public.

mod convert;
mod manager;
mod manager_callbacks;
mod session_handle;

#[cfg(test)]
mod tests;

pub(crate) use convert::{
    api_profile_to_js, assumed_lifetime_warning, error_to_js, event_to_js, refresh_token_to_js, scopes_to_js,
    secret_in_page_warning, status_to_js,
};
pub(crate) use manager_callbacks::{JsAccessToken, ManagerCallbacks, scopes_from_js};
pub(crate) use session_handle::SessionHandle;
