//! JSON without its long texts: what is left of a line of 200 MB when only counts matter.
//!
//! Agents put whole files and tool outputs into one JSON text. A line or document too large to
//! hold is passed through here piece by piece: every text longer than [`KEPT_TEXT_BYTES`] comes
//! out empty, everything else as it was, so that the memory it takes is that of its structure.

use memchr::memchr2;

/// Longer texts come out empty. Names, ids, times and paths are shorter.
const KEPT_TEXT_BYTES: usize = 4096;

/// Takes JSON in pieces and keeps it without its long texts.
#[derive(Default)]
pub struct Condenser {
    kept: Vec<u8>,
    /// Where the text that is being read begins in `kept`, after its quote.
    text: Option<usize>,
    /// The text that is being read is too long already.
    dropping: bool,
    escaped: bool,
}

impl Condenser {
    /// Takes the next piece. False when even what is kept has grown beyond `most` bytes.
    pub fn take(&mut self, mut piece: &[u8], most: usize) -> bool {
        while let Some(&byte) = piece.first() {
            if self.kept.len() > most {
                return false;
            }
            match self.text {
                None => {
                    let end = memchr::memchr(b'"', piece).map_or(piece.len(), |at| at + 1);
                    let end = end.min(most + 1);
                    self.keep(&piece[..end]);
                    if piece[end - 1] == b'"' {
                        self.text = Some(self.kept.len());
                    }
                    piece = &piece[end..];
                }
                Some(_) if self.dropping => piece = self.drop_text(piece),
                Some(start) if self.escaped => {
                    self.escaped = false;
                    self.keep_text(&[byte], start);
                    piece = &piece[1..];
                }
                Some(start) => {
                    let plain = memchr2(b'"', b'\\', piece).unwrap_or(piece.len());
                    self.keep_text(&piece[..plain], start);
                    piece = &piece[plain..];
                    match piece.first() {
                        Some(b'"') => {
                            self.end_text();
                            piece = &piece[1..];
                        }
                        Some(_) => {
                            self.escaped = true;
                            self.keep_text(b"\\", start);
                            piece = &piece[1..];
                        }
                        None => {}
                    }
                }
            }
        }
        self.kept.len() <= most
    }

    /// What is left.
    pub fn into_kept(self) -> Vec<u8> {
        self.kept
    }

    /// Leaves out the rest of a long text, or as much of it as the piece holds; gives what follows.
    /// Only quotes are looked for, and whether the backslashes before one make it a part of the text:
    /// source code in a text has many more backslashes than quotes.
    fn drop_text<'p>(&mut self, mut piece: &'p [u8]) -> &'p [u8] {
        loop {
            let quote = memchr::memchr(b'"', piece);
            let before = &piece[..quote.unwrap_or(piece.len())];
            let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            let carried = usize::from(self.escaped && slashes == before.len());
            self.escaped = (slashes + carried) % 2 == 1;
            let Some(quote) = quote else { return &[] };
            piece = &piece[quote + 1..];
            if !std::mem::take(&mut self.escaped) {
                self.end_text();
                return piece;
            }
        }
    }

    fn end_text(&mut self) {
        self.text = None;
        self.dropping = false;
        self.kept.push(b'"');
    }

    /// Keeps more of the text that begins at `start`, or nothing of it once it is too long: also of
    /// one that begins and ends within a piece.
    fn keep_text(&mut self, bytes: &[u8], start: usize) {
        self.keep(bytes);
        if self.kept.len() - start > KEPT_TEXT_BYTES {
            self.kept.truncate(start);
            self.dropping = true;
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !self.dropping {
            self.kept.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn condensed(json: &[u8], step: usize) -> Vec<u8> {
        let mut condenser = Condenser::default();
        assert!(json.chunks(step).all(|piece| condenser.take(piece, 1 << 20)));
        condenser.into_kept()
    }

    #[test]
    fn long_texts_come_out_empty_and_the_rest_as_it_was() {
        let long = "x\\\"y".repeat(2000);
        let json =
            format!(r#"{{"a":"{long}","b":{{"c":"short \"quoted\"","n":12}},"d":["{long}"]}}"#);
        let left = r#"{"a":"","b":{"c":"short \"quoted\"","n":12},"d":[""]}"#;
        for step in [1, 7, 4096, 1 << 20] {
            assert_eq!(String::from_utf8(condensed(json.as_bytes(), step)).unwrap(), left);
        }
    }

    #[test]
    fn a_long_text_that_ends_in_the_piece_it_began_in_comes_out_empty() {
        let list = format!(r#"["{}","{}"]"#, "x".repeat(4096), "y".repeat(4097));
        let left = format!(r#"["{}",""]"#, "x".repeat(4096));
        for step in [1, 4096, 1 << 20] {
            assert_eq!(condensed(list.as_bytes(), step), left.as_bytes(), "{step}");
        }
    }

    #[test]
    fn backslashes_at_the_end_of_a_dropped_text_do_not_hide_its_end() {
        for (end, next) in [("\\\\", 1), ("\\\\\\\"", 2), ("\\\"", 3), ("", 4)] {
            let json = format!(r#"{{"a":"{}{end}","n":{next}}}"#, "x\\n".repeat(3000));
            let left = format!(r#"{{"a":"","n":{next}}}"#);
            for step in [1, 2, 3, 4099, 1 << 20] {
                assert_eq!(String::from_utf8(condensed(json.as_bytes(), step)).unwrap(), left);
            }
        }
    }

    #[test]
    fn what_has_no_texts_has_a_bound() {
        let mut condenser = Condenser::default();
        assert!(!condenser.take(&[0; 5000], 1000));
        assert!(condenser.into_kept().len() <= 1001);
    }

    proptest! {
        #[test]
        fn short_json_is_kept_byte_for_byte(text: String, number: u32, step in 1_usize..40) {
            let json = serde_json::json!({ "text": text, "list": [number, text] }).to_string();
            prop_assert_eq!(condensed(json.as_bytes(), step), json.as_bytes());
        }
    }
}
