//! Every fixture of every agent, damaged: whatever the bytes, a look neither fails nor panics, and
//! what is left of it is read.

use std::fs;
use std::path::{Path, PathBuf};

use super::fixtures::Fold;

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// Looks at each fixture's home after `damage` has changed its files.
fn look_at_damaged(mut damage: impl FnMut(&mut Vec<u8>)) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    for file in files_below(&fixtures).iter().filter(|file| file.ends_with("expected.json")) {
        let case = file.parent().unwrap();
        let source = case.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let home = tempfile::tempdir().unwrap();
        for file in files_below(&case.join("home")) {
            let copy = home.path().join(file.strip_prefix(case.join("home")).unwrap());
            let mut bytes = fs::read(&file).unwrap();
            damage(&mut bytes);
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::write(copy, bytes).unwrap();
        }
        let mut fold = Fold::default();
        fold.look(source, home.path(), None);
        fold.look(source, home.path(), None);
    }
}

#[test]
fn changed_bytes() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3 {
        look_at_damaged(|bytes| {
            for _ in 0..1 + bytes.len() / 200 {
                if !bytes.is_empty() {
                    let at = random.usize(..bytes.len());
                    bytes[at] = *random.choice(br#"{}[]",:0-9 nul"#).unwrap_or(&0);
                }
            }
        });
    }
}

#[test]
fn files_cut_short() {
    let mut random = fastrand::Rng::with_seed(8);
    look_at_damaged(|bytes| bytes.truncate(random.usize(..=bytes.len())));
}

#[test]
fn the_largest_counts() {
    for largest in ["18446744073709551615", "9223372036854775807", "-1", "1e300"] {
        look_at_damaged(|bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let mut changed = String::new();
            for (index, part) in text.split("\":").enumerate() {
                let number = part.trim_start();
                let digits = number.bytes().take_while(u8::is_ascii_digit).count();
                if index > 0 {
                    changed.push_str("\":");
                }
                if digits > 0 && index > 0 {
                    changed.push_str(largest);
                    changed.push_str(&number[digits..]);
                } else {
                    changed.push_str(part);
                }
            }
            *bytes = changed.into_bytes();
        });
    }
}
