//! `config`: where the file is, and whether it is right.

use std::io::{self, Write};
use std::path::Path;

use crate::config::Config;

/// Writes the path, there or not.
///
/// # Errors
/// Those of the writer.
pub fn path(out: &mut dyn Write, path: &Path) -> io::Result<()> {
    writeln!(out, "{}", path.display())
}

/// Writes that the config is right, and what is in it.
///
/// # Errors
/// Those of the writer.
pub fn checked(out: &mut dyn Write, path: &Path, exists: bool, config: &Config) -> io::Result<()> {
    if !exists {
        return writeln!(
            out,
            "{}: there is no file, so every setting has its default.",
            path.display()
        );
    }
    let count = |number: usize, one: &str| {
        if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
    };
    writeln!(
        out,
        "{}: nothing is wrong with it. {}, {}, zone {}.",
        path.display(),
        count(config.budgets.len(), "budget"),
        count(config.prices.len(), "price"),
        config.zone
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::Zone;

    #[test]
    fn a_right_config_says_what_is_in_it() {
        let file = Path::new("/home/ada/config.toml");
        let text = "[[budget]]\namount = 1\nper = \"day\"\n";
        let config = Config::parse(text, file, Path::new("/home/ada"), Zone::UTC).expect("right");
        let show = |exists| {
            let mut out = Vec::new();
            checked(&mut out, file, exists, &config).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(show(true), @"/home/ada/config.toml: nothing is wrong with it. 1 budget, 0 prices, zone UTC.");
        insta::assert_snapshot!(show(false), @"/home/ada/config.toml: there is no file, so every setting has its default.");
        let mut out = Vec::new();
        path(&mut out, file).expect("a vector");
        assert_eq!(out, b"/home/ada/config.toml\n");
    }
}
