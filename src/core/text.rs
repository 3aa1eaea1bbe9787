//! Texts made of several.

/// `words` in one text.
///
/// A loop of our own: the standard library's `join` and `concat` are four times as large.
pub fn joined(words: &mut dyn Iterator<Item = &str>, between: &str) -> String {
    let mut joined = String::new();
    let mut before = "";
    for word in words {
        joined.push_str(before);
        joined.push_str(word);
        before = between;
    }
    joined
}

/// What stands between the `separator`s of a text, which are ASCII; at least one part.
///
/// A loop of our own: `str::split` searches for any character in any encoding.
pub fn parts(text: &str, separator: u8) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (place, byte) in text.bytes().enumerate() {
        if byte == separator {
            parts.push(&text[start..place]);
            start = place + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Whether a byte is one of a few.
#[expect(clippy::manual_contains, reason = "that searches several bytes at a time, which is more code")]
pub fn is_one_of(byte: u8, few: &[u8]) -> bool {
    few.iter().any(|known| *known == byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_part_more_than_separators() {
        for text in ["", "a", ".", "a.b", "a..ü", ".a.b."] {
            assert_eq!(parts(text, b'.'), text.split('.').collect::<Vec<_>>(), "{text}");
        }
    }

    #[test]
    fn what_is_between_words_is_nowhere_else() {
        for (words, text) in [(&[][..], ""), (&["a"], "a"), (&["", "b", "c"], ", b, c")] {
            assert_eq!(joined(&mut words.iter().copied(), ", "), text);
        }
    }
}
