//! JSON with the place of every value in its text, so that a change can be made in the text.
//!
//! Comments (`//` and `/* */`) are taken as blanks: some agents allow them in their settings.
//! Everything else is JSON as RFC 8259 has it; what is not is an error with its line.

use std::ops::Range;

use serde::de::IgnoredAny;

/// As deep as documents may be nested; settings are a few levels deep.
const DEEPEST: usize = 100;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its bytes in the text, brackets included.
    pub place: Range<usize>,
    /// What it is.
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `{...}`: members in their order; a name may come twice.
    Object(Vec<Member>),
    /// `[...]`.
    Array(Vec<Node>),
    /// A text, unescaped.
    Text(String),
    /// A number, `true`, `false` or `null`.
    Other,
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its name, unescaped.
    pub name: String,
    /// Where the member begins: the quote before its name.
    pub start: usize,
    /// Its value.
    pub node: Node,
}

/// Why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NotJson {
    /// From 1.
    pub line: usize,
    /// What was found, or missed.
    pub what: &'static str,
}

impl Node {
    /// The member that counts: of several with one name the last, as JavaScript has it.
    pub fn member(&self, name: &str) -> Option<&Member> {
        match &self.value {
            Value::Object(members) => members.iter().rev().find(|member| member.name == name),
            _ => None,
        }
    }

    /// The elements of an array; none of anything else.
    pub fn elements(&self) -> &[Node] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }
}

/// Reads a whole text.
///
/// # Errors
/// It is no JSON document, or nested beyond all reason.
pub fn read(text: &str) -> Result<Node, NotJson> {
    let mut reader = Reader { text, at: 0 };
    // Some editors put a byte order mark in front.
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
    }
    reader.skip_blanks()?;
    let node = reader.value(0)?;
    reader.skip_blanks()?;
    if reader.at < text.len() {
        return Err(reader.wrong("something stands behind the end"));
    }
    Ok(node)
}

/// Where the comma stands that follows an entry ending at `end`, behind blanks and comments; `end`
/// itself where nothing follows.
pub fn comma_behind(text: &str, end: usize) -> usize {
    let mut reader = Reader { text, at: end };
    match reader.skip_blanks() {
        Ok(()) => reader.at,
        Err(_) => end,
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn wrong(&self, what: &'static str) -> NotJson {
        let before = self.text.as_bytes().get(..self.at).unwrap_or(self.text.as_bytes());
        NotJson { line: 1 + before.iter().filter(|byte| **byte == b'\n').count(), what }
    }

    fn skip_blanks(&mut self) -> Result<(), NotJson> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
            self.at += blanks;
            let rest = rest.get(blanks..).unwrap_or_default();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(end) = rest.find("*/") else {
                    return Err(self.wrong("a comment has no end"));
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, NotJson> {
        if depth > DEEPEST {
            return Err(self.wrong("it is nested too deeply"));
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.text()?),
            Some(_) => self.other()?,
            None => return Err(self.wrong("a value is missing")),
        };
        Ok(Node { place: start..self.at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut members = Vec::new();
        self.skip_blanks()?;
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_blanks()?;
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a name in double quotes is missing"));
            }
            let name = self.text()?;
            self.skip_blanks()?;
            if !self.take(b':') {
                return Err(self.wrong("a colon is missing"));
            }
            self.skip_blanks()?;
            members.push(Member { name, start, node: self.value(depth + 1)? });
            self.skip_blanks()?;
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or } is missing"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut elements = Vec::new();
        self.skip_blanks()?;
        if self.take(b']') {
            return Ok(Value::Array(elements));
        }
        loop {
            self.skip_blanks()?;
            elements.push(self.value(depth + 1)?);
            self.skip_blanks()?;
            if self.take(b']') {
                return Ok(Value::Array(elements));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or ] is missing"));
            }
        }
    }

    fn text(&mut self) -> Result<String, NotJson> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut end = start + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.wrong("a text has no end")),
            }
        }
        let quoted = self.text.get(start..=end).unwrap_or_default();
        let text = serde_json::from_str(quoted).map_err(|_| self.wrong("a text is not right"))?;
        self.at = end + 1;
        Ok(text)
    }

    fn other(&mut self) -> Result<Value, NotJson> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let ends = |c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c));
        let word = rest.get(..rest.find(ends).unwrap_or(rest.len())).unwrap_or_default();
        if serde_json::from_str::<IgnoredAny>(word).is_err() {
            return Err(self.wrong("this is no value"));
        }
        self.at += word.len();
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_know_their_place() {
        let text = "\u{feff}{ // c\n \"a\\u0062\": [1, \"x\"], /* y */ \"a\": {\"n\": null} }\n";
        let root = read(text).unwrap();
        let list = root.member("ab").unwrap();
        assert_eq!(&text[list.node.place.clone()], "[1, \"x\"]");
        assert_eq!(&text[list.start..list.node.place.end], "\"a\\u0062\": [1, \"x\"]");
        assert_eq!(list.node.elements()[1].value, Value::Text("x".into()));
        let inner = root.member("a").and_then(|member| member.node.member("n")).unwrap();
        assert_eq!(&text[inner.node.place.clone()], "null");
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        let root = read("{\"a\": 1, \"a\": \"two\"}").unwrap();
        assert_eq!(root.member("a").unwrap().node.value, Value::Text("two".into()));
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_line() {
        for (text, line, what) in [
            ("", 1, "a value is missing"),
            ("{\n\"a\": 1,\n}", 3, "a name in double quotes is missing"),
            ("{\"a\" 1}", 1, "a colon is missing"),
            ("{\"a\": 1 \"b\": 2}", 1, "a comma or } is missing"),
            ("[1 2]", 1, "a comma or ] is missing"),
            ("[1,]", 1, "this is no value"),
            ("[tru]", 1, "this is no value"),
            ("[\"a", 1, "a text has no end"),
            ("[\"a\nb\"]", 1, "a text is not right"),
            ("{}\n{}", 2, "something stands behind the end"),
            ("{} /* ", 1, "a comment has no end"),
        ] {
            assert_eq!(read(text), Err(NotJson { line, what }), "{text:?}");
        }
        assert!(read(&"[".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn it_takes_what_the_other_reader_takes(text in "[\\[\\]{}:,\"a1 \\\\n-]{0,16}") {
            let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(read(&text).is_ok(), theirs, "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,64}") {
            let _ = read(&text);
        }
    }
}
