//! Values that are handed from one to the next.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    rc::Rc,
};

/// A value that many have: one pointer to move and to clone, and a value of one's own as
/// soon as it is changed.
///
/// Tokens and errors pass through a dozen functions each, and a thousand callers may be
/// given the same. Moved by value, they would be a tenth of the core's WebAssembly.
#[derive(PartialEq, Eq)]
pub struct Handed<T>(Rc<T>);

impl<T> Clone for Handed<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> Deref for Handed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Handed<T> {
    #[expect(clippy::expect_used, reason = "nobody else has what was just made")]
    fn deref_mut(&mut self) -> &mut T {
        // `Rc::make_mut` does the same, and thinks of weak references besides.
        if Rc::get_mut(&mut self.0).is_none() {
            self.0 = Rc::new(T::clone(&self.0));
        }
        Rc::get_mut(&mut self.0).expect("a value of one's own")
    }
}

impl<T> From<T> for Handed<T> {
    fn from(value: T) -> Self {
        Self(Rc::new(value))
    }
}

/// As the value itself.
impl<T: fmt::Debug> fmt::Debug for Handed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
