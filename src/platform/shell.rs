//! A program's path as a word of the shell that other programs run commands with.

use std::path::Path;

use super::system;

/// The path as one word; `None` when the shell could not be told it: it is not UTF-8, or has a
/// character that can't be quoted.
pub fn quoted(program: &Path) -> Option<String> {
    let path = program.to_str().filter(|path| !path.contains(['\n', '\r', '\0']))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !path.is_empty() && path.chars().all(is_plain) {
        return Some(path.to_owned());
    }
    system::quoted(path)
}

/// In single quotes, where nothing but the quote itself means anything (POSIX, "Single-Quotes").
#[cfg(unix)]
pub(super) fn in_single_quotes(path: &str) -> Option<String> {
    Some(format!("'{}'", path.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_stands_as_it_is() {
        assert_eq!(quoted(Path::new("/usr/bin/spendbar")).as_deref(), Some("/usr/bin/spendbar"));
        assert_eq!(quoted(Path::new("/a\nb")), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_path_as_one_word() {
        for path in ["/home/a b/$x", "/it's/\"q\"/`y`", "/ä/;rm"] {
            let word = quoted(Path::new(path)).unwrap();
            let out = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {word}")])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), path, "{word}");
        }
    }
}
