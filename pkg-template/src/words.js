// The words for what the core takes as numbers; see src/js/manager.rs.

/** What a caller wants of the core. */
export const ASK = { request: 0, refresh: 1, scopes: 2 };

/** What the core is told. */
export const TELL = {
  invalidated: 0,
  refused: 1,
  refusedAgain: 2,
  refusedAtLast: 3,
  used: 4,
  changed: 5,
  woke: 6,
  attach: 7,
  ioLost: 8,
};
