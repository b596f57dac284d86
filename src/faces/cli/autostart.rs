//! `autostart`: whether the program starts at login.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::json;
use super::style::clean;
use crate::platform::autostart::AtLogin;

/// Writes what happens at login, and where that stands.
///
/// # Errors
/// Those of the writer.
pub fn text(out: &mut dyn Write, at_login: &AtLogin, place: &Path) -> io::Result<()> {
    let place = clean(&place.display().to_string());
    match at_login {
        AtLogin::This => writeln!(out, "Spendbar starts at login ({place})."),
        AtLogin::Nothing => {
            writeln!(out, "Spendbar does not start at login.")?;
            writeln!(out, "Have it start: spendbar autostart on")
        }
        AtLogin::Other(command) => {
            writeln!(
                out,
                "At login another program starts in Spendbar's name: {}",
                clean(command)
            )?;
            writeln!(out, "It is written in {place}. Have this one start: spendbar autostart on")
        }
    }
}

/// Writes `spendbar.autostart.v1`.
///
/// # Errors
/// Those of the writer.
pub fn json(out: &mut dyn Write, at_login: &AtLogin, place: &Path) -> io::Result<()> {
    let other = match at_login {
        AtLogin::Other(command) => Some(command.as_str()),
        AtLogin::This | AtLogin::Nothing => None,
    };
    json::write(
        out,
        &Document {
            schema: "spendbar.autostart.v1",
            on: *at_login == AtLogin::This,
            other,
            place: &place.display().to_string(),
        },
    )
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    on: bool,
    /// What starts instead of this program; null for nothing.
    other: Option<&'a str>,
    place: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_in_words() {
        let show = |at_login: &AtLogin| {
            let mut out = Vec::new();
            text(&mut out, at_login, Path::new("/home/ada/entry")).expect("a vector");
            String::from_utf8(out).expect("text")
        };
        insta::assert_snapshot!(show(&AtLogin::This), @"Spendbar starts at login (/home/ada/entry).");
        insta::assert_snapshot!(show(&AtLogin::Nothing), @"
        Spendbar does not start at login.
        Have it start: spendbar autostart on
        ");
        insta::assert_snapshot!(show(&AtLogin::Other("/old/spendbar".into())), @"
        At login another program starts in Spendbar's name: /old/spendbar
        It is written in /home/ada/entry. Have this one start: spendbar autostart on
        ");
    }
}
