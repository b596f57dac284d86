//! A key typed or piped, never shown.

use std::io::{self, BufRead};

use crate::secrets::ApiKey;

/// A key is one line of at most this many bytes; longer input is some other file.
const LONGEST: u64 = 8 * 1024;

/// Reads a key: asks for it without showing it where `is_terminal`, else takes the first line of
/// `input`. `prompt` goes to the terminal.
///
/// # Errors
/// Nothing was typed or piped, it is no text of one line, or the terminal can't be read.
pub fn read_key(is_terminal: bool, input: &mut dyn BufRead, prompt: &str) -> io::Result<ApiKey> {
    let typed = if is_terminal { rpassword::prompt_password(prompt)? } else { first_line(input)? };
    checked(&typed)
}

fn first_line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    let mut limited = io::Read::take(input, LONGEST + 1);
    limited.read_line(&mut line).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => refused("what came on standard input is no text"),
        _ => error,
    })?;
    if line.len() as u64 > LONGEST {
        return Err(refused("what came on standard input is too long for a key"));
    }
    Ok(line)
}

/// What was typed, as a key.
///
/// # Errors
/// Nothing was typed, or what no key has in it; what that is is not told.
pub fn checked(typed: &str) -> io::Result<ApiKey> {
    let key = ApiKey::new(typed.trim_start_matches('\u{feff}'));
    if key.expose().is_empty() {
        return Err(refused("no key was given"));
    }
    // A header can't hold anything else, and pasting sometimes brings it.
    if !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("a key has no blanks or special characters in it"));
    }
    Ok(key)
}

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piped(mut bytes: &[u8]) -> Result<String, String> {
        read_key(false, &mut bytes, "")
            .map(|key| key.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_line_is_the_key() {
        for input in ["sk-1\n", "  sk-1\r\nmore\n", "sk-1", "\u{feff}sk-1\n"] {
            assert_eq!(piped(input.as_bytes()), Ok("sk-1".into()), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_repeated() {
        assert_eq!(piped(b""), Err("no key was given".into()));
        assert_eq!(piped(b"\nsk-1\n"), Err("no key was given".into()));
        assert_eq!(piped(b"sk 1\n"), Err("a key has no blanks or special characters in it".into()));
        assert_eq!(piped(b"\xff\xfe\n"), Err("what came on standard input is no text".into()));
        let long = piped(&vec![b'a'; 9000]);
        assert_eq!(long, Err("what came on standard input is too long for a key".into()));
    }
}
