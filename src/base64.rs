//! Base64 (RFC 4648). It encodes and decodes secrets, so no table is indexed by them.

/// Encodes with the standard alphabet and padding.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = written(bytes, Alphabet::STANDARD);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// Encodes with the URL-safe alphabet, without padding.
pub fn encode_url(bytes: &[u8]) -> String {
    written(bytes, Alphabet::URL)
}

/// The last two characters of an alphabet, each as the distance from the successor of the character before it.
#[derive(Clone, Copy)]
struct Alphabet {
    /// Distance of the character for 62 from the successor of `9`.
    next_to_last: i16,
    last: i16,
}

impl Alphabet {
    /// `+` and `/`.
    const STANDARD: Self = Self { next_to_last: -15, last: 3 };
    /// `-` and `_`.
    const URL: Self = Self { next_to_last: -13, last: 49 };
}

#[inline(never)]
fn written(bytes: &[u8], alphabet: Alphabet) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    let mut bits = 0_u32;
    let mut held = 0;
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 6 {
            held -= 6;
            text.push(letter((bits >> held & 63) as u8, alphabet));
        }
    }
    if held > 0 {
        text.push(letter((bits << (6 - held) & 63) as u8, alphabet));
    }
    text
}

/// Decodes the URL-safe alphabet, with or without padding. Returns `None` if the text is not valid.
pub fn decode_url(text: &str) -> Option<Vec<u8>> {
    let mut text = text.as_bytes();
    while let [rest @ .., b'='] = text {
        text = rest;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut bits = 0_u32;
    let mut held = 0;
    for letter in text {
        bits = bits << 6 | u32::from(value(*letter)?);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    // The bits that remain must not form a whole character, and must be zero.
    (held < 6 && bits & ((1 << held) - 1) == 0).then_some(bytes)
}

/// Returns the character for six bits, by arithmetic alone.
fn letter(value: u8, alphabet: Alphabet) -> char {
    // One if `value` is after `last`, the end of a range of characters, otherwise zero.
    let past = |last: u8| i16::from(value).wrapping_neg().wrapping_add(i16::from(last)) >> 15 & 1;
    // Adds the distances between the ranges: A to Z, a to z, 0 to 9, and the last two characters.
    let steps = past(25) * 6 - past(51) * 75 + past(61) * alphabet.next_to_last + past(62) * alphabet.last;
    char::from((i16::from(value) + i16::from(b'A') + steps) as u8)
}

/// Returns the six bits of a character.
fn value(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use base64ct::{Base64, Base64UrlUnpadded, Encoding};
    use proptest::prelude::*;

    use super::{decode_url, encode, encode_url};

    proptest! {
        #[test]
        fn bytes_are_written_as_others_write_them(bytes: Vec<u8>) {
            prop_assert_eq!(encode(&bytes), Base64::encode_string(&bytes));
            prop_assert_eq!(encode_url(&bytes), Base64UrlUnpadded::encode_string(&bytes));
        }

        #[test]
        fn what_was_written_is_read(bytes: Vec<u8>) {
            prop_assert_eq!(decode_url(&encode_url(&bytes)), Some(bytes));
        }

        #[test]
        fn texts_are_read_as_others_read_them(text in "[A-Da-d0-3_+/=-]{0,9}") {
            let unpadded = text.trim_end_matches('=');

            prop_assert_eq!(decode_url(&text), Base64UrlUnpadded::decode_vec(unpadded).ok());
        }
    }

    #[test]
    fn every_letter_is_written() {
        let bytes: Vec<u8> = (0..=255).collect();

        assert_eq!(encode_url(&bytes), Base64UrlUnpadded::encode_string(&bytes));
        assert_eq!(decode_url(&encode_url(&bytes)), Some(bytes));
    }

    #[test]
    fn what_is_no_base64_is_none() {
        for text in ["a", "ab+c", "ab/c", "a=b", "ab c", "ä", "aaaaa", "ab\n"] {
            assert_eq!(decode_url(text), None, "{text}");
        }
    }
}
