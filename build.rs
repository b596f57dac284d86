//! Has the linker fold functions that came out alike, where it can. Generic code makes hundreds of
//! them, and a program that sits in a tray should be small. Whether the linker can is tried out: some
//! systems' own can't, and there the program is a twentieth larger.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const FOLD: &str = "-Wl,--icf=all";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if is_release && is_linux && can_fold().unwrap_or(false) {
        println!("cargo:rustc-link-arg-bins={FOLD}");
    }
}

/// Links an empty program so.
fn can_fold() -> Option<bool> {
    let folder = PathBuf::from(env::var_os("OUT_DIR")?);
    let source = folder.join("empty.rs");
    std::fs::write(&source, "fn main() {}").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(folder.join("empty")).arg(format!("-Clink-arg={FOLD}"));
    rustc.arg("--target").arg(env::var_os("TARGET")?);
    // What the user told cargo of linkers holds for the program as well.
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut told = std::ffi::OsString::from("linker=");
        told.push(linker);
        rustc.arg("-C").arg(told);
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    let status = rustc.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    Some(status.success())
}
