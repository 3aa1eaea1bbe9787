//! Waiting for one of two things.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use gloo_timers::future::TimeoutFuture;

use crate::core::millis;

/// It took too long.
#[derive(Debug)]
pub(crate) struct TimedOut;

/// What `future` gives, if it does so within `limit`; it is dropped otherwise.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, TimedOut> {
    // gloo casts to `i32`.
    let limit = u32::try_from(millis(limit)).unwrap_or(u32::MAX).min(i32::MAX as u32);
    race(async { Ok(future.await) }, async {
        TimeoutFuture::new(limit).await;
        Err(TimedOut)
    })
    .await
}

/// What the first of two futures gives; the other is dropped.
pub(crate) async fn race<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|context| match first.as_mut().poll(context) {
        Poll::Pending => second.as_mut().poll(context),
        ready @ Poll::Ready(_) => ready,
    })
    .await
}
