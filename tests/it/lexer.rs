//! Just enough of Rust's lexical rules to find the paths in a source file: comments, strings and
//! character literals are skipped, everything else is a word or a sign.

/// A word or a sign, and the line it stands on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word, or one character.
    pub text: String,
    /// Line number.
    pub line: usize,
}

impl Token {
    /// Whether it is this word or sign.
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// The words and signs of a source text.
pub fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let line_of = |rest: &str| source[..source.len() - rest.len()].matches('\n').count() + 1;
    while let Some(first) = rest.chars().next() {
        let skipped = skip_text(rest);
        if skipped > 0 {
            rest = &rest[skipped..];
            continue;
        }
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            tokens.push(Token { text: rest[..length].to_owned(), line: line_of(rest) });
        }
        rest = &rest[length..];
    }
    tokens
}

/// The length of the comment, string or character literal that `rest` begins with; 0 for none.
fn skip_text(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    for prefix in ["", "b", "c"] {
        if let Some(after) = rest.strip_prefix(prefix).and_then(|text| text.strip_prefix('"')) {
            return prefix.len() + 1 + quoted(after, '"');
        }
        let raw = rest.strip_prefix(prefix).and_then(|text| text.strip_prefix('r'));
        if let Some(length) = raw.and_then(raw_string) {
            return prefix.len() + 1 + length;
        }
    }
    let after = rest.strip_prefix("b'").or_else(|| rest.strip_prefix('\''));
    let Some(after) = after else { return 0 };
    let mut characters = after.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), _) => rest.len() - after.len() + quoted(after, '\''),
        // `'a'` is a character, `'a` the start of a lifetime.
        (Some(one), Some('\'')) => rest.len() - after.len() + one.len_utf8() + 1,
        _ => 0,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length up to and with the closing quote.
fn quoted(after: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in after.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    after.len()
}

/// The length of a raw string after its `r`; `None` when it is something else.
fn raw_string(after: &str) -> Option<usize> {
    let hashes = after.find(|c| c != '#')?;
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(hashes + 1 + length)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[test]
fn text_is_skipped_and_code_is_kept() {
    let source = "use a::b; // use c::d\n/* e /* f */ g */ let x: &'static str = \"h \\\" i\";\n\
                  let y = ('j', '\\'', b\"k\", r#\"l \" m\"#, rest);";
    let words: Vec<String> = tokens(source)
        .into_iter()
        .map(|token| token.text)
        .filter(|text| text.len() > 1 || text.chars().all(is_word))
        .collect();
    assert_eq!(words, ["use", "a", "b", "let", "x", "static", "str", "let", "y", "rest"]);
    assert_eq!(tokens(source).last().map(|token| token.line), Some(3));
}
