//! Which functions of the module stand next to each other.
//!
//! What deflate repeats lies at most 32 KB back, and functions that resemble each other are all over the module. In an
//! order by likeness it finds more: 1.5 KB of 120, where a window over the whole would give 3.
//!
//! wasm-opt puts them in order, by their names: here they get names of that order, which it drops afterwards.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use wasm_encoder::{Encode, NameMap, NameSection, Section};
use wasmparser::{Parser, Payload, TypeRef};

/// How long a piece of code is that two functions may have in common, in bytes: a call and what it is handed.
const PIECE: usize = 4;
/// What so many have in common is near in any order.
const COMMON: usize = 200;

/// The module with a name for each function, in whose order they are to be.
///
/// # Errors
///
/// It is no module.
pub(crate) fn named(module: &[u8]) -> Result<Vec<u8>> {
    let mut imported = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if let Payload::CodeSectionEntry(body) = &payload {
            bodies.push(&module[body.range()]);
        } else if let Payload::ImportSection(imports) = payload {
            for import in imports.into_imports() {
                imported += u32::from(matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)));
            }
        }
    }
    let mut by_index: Vec<(usize, usize)> =
        by_likeness(&bodies).into_iter().enumerate().map(|(rank, body)| (body, rank)).collect();
    by_index.sort_unstable();
    let mut names = NameMap::new();
    for (body, rank) in by_index {
        names.append(imported + u32::try_from(body)?, &format!("{rank:06}"));
    }
    let mut section = NameSection::new();
    section.functions(&names);
    let mut named = module.to_vec();
    named.push(section.id());
    section.encode(&mut named);
    Ok(named)
}

/// From the largest on, always the one that has most in common with the one before, of all that each of both has.
fn by_likeness(bodies: &[&[u8]]) -> Vec<usize> {
    let pieces: Vec<BTreeSet<&[u8]>> = bodies.iter().map(|body| body.windows(PIECE).collect()).collect();
    let mut having: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (body, pieces) in pieces.iter().enumerate() {
        for piece in pieces {
            having.entry(piece).or_default().push(body);
        }
    }
    having.retain(|_, those| (2..COMMON).contains(&those.len()));

    let mut left: BTreeSet<(usize, usize)> =
        bodies.iter().enumerate().map(|(body, code)| (code.len(), body)).collect();
    let mut order = Vec::new();
    let mut next = left.last().map(|(_, body)| *body);
    while let Some(last) = next {
        left.remove(&(bodies[last].len(), last));
        order.push(last);
        let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
        for other in pieces[last].iter().filter_map(|piece| having.get(piece)).flatten() {
            if left.contains(&(bodies[*other].len(), *other)) {
                *shared.entry(*other).or_default() += 1;
            }
        }
        // In millionths, since what can be compared has no fractions.
        let likeness = |(other, shared): (usize, usize)| {
            (shared * 1_000_000 / (pieces[last].len() + pieces[other].len()), other)
        };
        let most = shared.into_iter().map(likeness).max();
        next = most.map(|(_, body)| body).or_else(|| left.last().map(|(_, body)| *body));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::by_likeness;

    #[test]
    fn what_is_alike_is_together_and_each_is_there_once() {
        let bodies: [&[u8]; 5] =
            [b"get the red one", b"0123456789abcdef", b"put the red one", b"0123456789xyz", b"----"];

        let order = by_likeness(&bodies);

        assert_eq!(order, [1, 3, 2, 0, 4]);
    }

    #[test]
    fn functions_of_no_length_are_no_trouble() {
        assert_eq!(by_likeness(&[b"", b"abcdef", b""]), [1, 2, 0]);
        assert!(by_likeness(&[]).is_empty());
    }
}
