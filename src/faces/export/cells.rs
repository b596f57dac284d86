//! Rows of a CSV file, as RFC 4180 has them, harmless in a spreadsheet.

use std::io::{self, Write};

/// Writes one row with its line end.
///
/// # Errors
/// Those of the writer.
pub(super) fn row<T: AsRef<str>>(
    out: &mut dyn Write,
    cells: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    let mut line = String::new();
    for (index, text) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        push(&mut line, text.as_ref());
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

/// A spreadsheet runs a cell that begins like a formula, and names of models and folders come from
/// others (OWASP, "CSV Injection"): an apostrophe before it makes it text. A number stays one.
fn push(line: &mut String, text: &str) {
    const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let guard = if text.starts_with(FORMULA) && !is_number(text) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n', ';', '\t']) {
        line.push('"');
        line.push_str(guard);
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(guard);
        line.push_str(text);
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, rest].iter().all(|part| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(cells: &[&str]) -> String {
        let mut out = Vec::new();
        row(&mut out, cells).expect("a vector");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn cells_that_would_run_are_text_and_numbers_stay_numbers() {
        for (cell, line) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("=HYPERLINK(\"http://x\",1)", "\"'=HYPERLINK(\"\"http://x\"\",1)\""),
            ("+49", "'+49"),
            ("@cf/meta/llama", "'@cf/meta/llama"),
            ("-2+3", "'-2+3"),
            ("-0.5", "-0.5"),
            ("-12", "-12"),
            ("-", "'-"),
            ("-.5", "'-.5"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
            ("", ""),
            ("say \"hi\", then\r\ngo", "\"say \"\"hi\"\", then\r\ngo\""),
        ] {
            assert_eq!(written(&[cell]), format!("{line}\r\n"));
        }
        assert_eq!(written(&["a", "", "b"]), "a,,b\r\n");
    }

    /// A reader of RFC 4180, written from its grammar.
    fn read(text: &str) -> Vec<String> {
        let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
        let body = text.strip_suffix("\r\n").expect("a line end");
        let mut letters = body.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.peek() == Some(&'"') => {
                    letters.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                other => cell.push(other),
            }
        }
        assert!(!quoted, "{text}");
        cells.push(cell);
        cells
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(cells in proptest::collection::vec("[ -~\t\r\né＝@=+\"',;-]{0,12}", 1..6)) {
            let texts: Vec<&str> = cells.iter().map(String::as_str).collect();
            let back = read(&written(&texts));
            prop_assert_eq!(back.len(), cells.len());
            for (back, cell) in back.iter().zip(&cells) {
                let unguarded = back.strip_prefix('\'').filter(|rest| rest == cell);
                prop_assert_eq!(unguarded.unwrap_or(back), cell);
                let runs = back.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
                prop_assert!(!runs || is_number(back), "{:?}", back);
            }
        }
    }
}
