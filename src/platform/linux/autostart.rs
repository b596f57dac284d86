//! A desktop entry in the user's autostart folder.
//! Source: Desktop Application Autostart Specification 0.5 and Desktop Entry Specification 1.5
//! (freedesktop.org), "The Exec key".

use std::path::PathBuf;

pub use crate::platform::autostart::file::{
    read as read_autostart, remove as remove_autostart, write as write_autostart,
};

pub fn autostart_place(base: &dyn Fn(&str, &str) -> PathBuf) -> PathBuf {
    base("XDG_CONFIG_HOME", ".config").join("autostart/spendbar.desktop")
}

pub fn autostart_text(program: &str) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nName=Spendbar\n\
         Comment=Today's AI spend in the panel\nExec={}\nTerminal=false\n",
        exec(program)
    )
}

/// One argument in double quotes. What means something between them has a backslash before it, and
/// a backslash in a value is written twice; a percent sign stands for itself when it is doubled.
fn exec(program: &str) -> String {
    let mut quoted = String::from("\"");
    for character in program.chars() {
        match character {
            '"' | '`' | '$' => quoted.extend(["\\\\", character.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

/// The command of an entry; `None` where the entry is switched off, as desktops do in place of
/// removing it.
pub fn started_by(text: &str) -> Option<String> {
    let value = |wanted: &str| {
        // Keys of other groups, such as further actions, are not what starts.
        let own = text.lines().skip_while(|line| line.trim() != "[Desktop Entry]").skip(1);
        own.take_while(|line| !line.starts_with('[')).find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == wanted).then(|| value.trim())
        })
    };
    let is_off =
        value("Hidden") == Some("true") || value("X-GNOME-Autostart-enabled") == Some("false");
    value("Exec").filter(|exec| !is_off && !exec.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_a_desktop_entry() {
        insta::assert_snapshot!(autostart_text("/opt/a b/spendbar"), @r#"
        [Desktop Entry]
        Type=Application
        Name=Spendbar
        Comment=Today's AI spend in the panel
        Exec="/opt/a b/spendbar"
        Terminal=false
        "#);
    }

    #[test]
    fn a_path_is_one_argument() {
        assert_eq!(exec(r#"/a"b/$c/`d/\e/50%"#), r#""/a\\"b/\\$c/\\`d/\\\\e/50%%""#);
    }

    #[test]
    fn an_entry_that_a_desktop_switched_off_starts_nothing() {
        let text = autostart_text("/usr/bin/spendbar");
        assert_eq!(started_by(&text).as_deref(), Some("\"/usr/bin/spendbar\""));
        assert_eq!(started_by(&format!("{text}Hidden=true\n")), None);
        assert_eq!(started_by(&format!("{text}X-GNOME-Autostart-enabled=false\n")), None);
        let action = "[Desktop Action x]\nHidden=true\nExec=other\n";
        assert!(started_by(&format!("{text}{action}")).is_some());
        assert_eq!(started_by(action), None);
        assert_eq!(started_by(""), None);
    }
}
