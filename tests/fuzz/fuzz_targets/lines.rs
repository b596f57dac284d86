//! The splitter of lines and the condenser against naive ones.
//!
//! Lines of a megabyte can't grow out of small inputs, so that an input is a recipe: a byte, and
//! how often it is repeated.

#![no_main]

use std::ops::ControlFlow;

use libfuzzer_sys::fuzz_target;
use spendbar::sources::agents::scan::condense::Condenser;
use spendbar::sources::agents::scan::lines::{Filter, Limits, read_lines};

const LIMITS: Limits = Limits { plain: 300 * 1024, condensed: 64 * 1024 };
/// Longer texts come out empty; the condenser's own number.
const KEPT_TEXT: usize = 4096;

fuzz_target!(|recipe: &[u8]| {
    let mut text = Vec::new();
    for step in recipe.chunks_exact(2) {
        let byte = b"\n\"\\{x1, \r"[usize::from(step[0]) % 9];
        // Few or very many: what lies between finds nothing.
        let count = match step[1] {
            count @ 0..200 => usize::from(count) % 5,
            count => 1 << ((usize::from(count) - 200) / 3),
        };
        text.resize((text.len() + count).min(1 << 20), byte);
    }
    check_condenser(&text, recipe);
    check_lines(&text);
});

fn check_condenser(text: &[u8], steps: &[u8]) {
    let mut condenser = Condenser::default();
    let mut rest = text;
    let mut steps = steps.iter().cycle();
    while !rest.is_empty() {
        let step = usize::from(*steps.next().unwrap_or(&7)) * 97 + 1;
        let (piece, further) = rest.split_at(step.min(rest.len()));
        assert!(condenser.take(piece, usize::MAX / 2));
        rest = further;
    }
    assert!(condenser.into_kept() == naive_condensed(text));
}

fn check_lines(text: &[u8]) {
    let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
    let filter = Filter::Picked(|_| true);
    let ended = read_lines(&mut &text[..], &mut Vec::new(), 0, LIMITS, |at, region| {
        filter.each(region, |start, line| {
            found.push((at + start as u64, line.to_vec()));
            ControlFlow::Continue(())
        })
    })
    .expect("memory is read");
    let complete = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    assert_eq!(ended.offset, complete as u64);
    assert!(!ended.stopped);

    let (mut found, mut left_out) =
        (found.into_iter().peekable(), ended.too_long.iter().peekable());
    let mut at = 0;
    for raw in text[..complete].split_inclusive(|byte| *byte == b'\n') {
        let start = at as u64;
        at += raw.len();
        let plain = raw.trim_ascii();
        if left_out.next_if(|offset| **offset == start).is_some() {
            assert!(raw.len() >= LIMITS.plain);
            assert!(naive_condensed(raw).len() > LIMITS.condensed);
            continue;
        }
        let condensed = naive_condensed(raw);
        let condensed = condensed.trim_ascii();
        match found.next_if(|(offset, _)| *offset == start) {
            Some((_, line)) => {
                let is_condensed = raw.len() >= LIMITS.plain && line == condensed;
                assert!(line == plain || is_condensed);
                assert!(line.len() <= LIMITS.plain);
            }
            None => {
                assert!(plain.is_empty() || (raw.len() >= LIMITS.plain && condensed.is_empty()))
            }
        }
    }
    assert!(found.next().is_none() && left_out.next().is_none());
}

fn naive_condensed(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = text;
    while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
        kept.extend_from_slice(&rest[..=quote]);
        rest = &rest[quote + 1..];
        let mut end = 0;
        while end < rest.len() && rest[end] != b'"' {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        let end = end.min(rest.len());
        if end <= KEPT_TEXT {
            kept.extend_from_slice(&rest[..end]);
        }
        rest = &rest[end..];
        if let [b'"', further @ ..] = rest {
            kept.push(b'"');
            rest = further;
        }
    }
    kept.extend_from_slice(rest);
    kept
}
