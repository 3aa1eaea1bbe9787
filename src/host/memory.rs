//! Growth of the WebAssembly memory.

use std::{cell::Cell, hint::black_box};

thread_local! {
    /// Pages of the memory when it was last grown here, or first looked at.
    static KNOWN_PAGES: Cell<usize> = const { Cell::new(0) };
}

/// Grows the memory in advance, if the allocator has grown it since the last call.
///
/// The allocator grows it by 64 KiB. V8 counts the whole memory as newly allocated each time, and collects garbage: of
/// the processor time of 100,000 first calls, three quarters were such collections.
pub(crate) fn grow_ahead() {
    let pages = pages();
    let known = KNOWN_PAGES.get();
    if pages == known {
        return;
    }
    if known != 0 {
        let ahead = (pages / 4).clamp(MIN_AHEAD, MAX_AHEAD);
        // The allocator keeps what is returned to it. `black_box` keeps the compiler from leaving the pair out.
        drop(black_box(Vec::<u8>::with_capacity(ahead * PAGE)));
    }
    KNOWN_PAGES.set(self::pages());
}

/// In bytes.
const PAGE: usize = 64 << 10;

/// 1 MiB.
const MIN_AHEAD: usize = 16;

/// 16 MiB.
const MAX_AHEAD: usize = 256;

#[cfg(target_arch = "wasm32")]
pub(super) fn pages() -> usize {
    std::arch::wasm32::memory_size::<0>()
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) const fn pages() -> usize {
    0
}
