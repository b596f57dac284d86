//! Makes the released program smaller where the linker can: it folds functions that came out alike, of
//! which generic code makes hundreds, and leaves out the tables for unwinding, which a program that
//! ends at a panic never reads. Each is tried on an empty program first: not every system's linker
//! can, and there the program is a tenth larger.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    let script = "assets/link/no-unwinding.ld";
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={script}");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let is_linux = env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    let Some(folder) = env::var_os("OUT_DIR").map(PathBuf::from) else { return };
    if !(is_release && is_linux) {
        return;
    }
    // Of a path in its own folder cargo keeps track when the whole checkout is moved elsewhere.
    let own = folder.join("no-unwinding.ld");
    let mut flags = vec!["-Wl,--icf=all".to_owned()];
    match std::fs::copy(script, &own) {
        Ok(_) => flags.push(format!("-Wl,-T,{}", own.display())),
        Err(error) => {
            println!("cargo:warning=the program keeps its tables for unwinding: {script}: {error}")
        }
    }
    for flag in flags {
        if can_link(&folder, &flag) {
            println!("cargo:rustc-link-arg-bins={flag}");
        }
    }
}

/// Links an empty program so, as the user told cargo to link.
fn can_link(folder: &Path, flag: &str) -> bool {
    let source = folder.join("empty.rs");
    let (Some(rustc), Some(target)) = (env::var_os("RUSTC"), env::var_os("TARGET")) else {
        return false;
    };
    if std::fs::write(&source, "fn main() {}").is_err() {
        return false;
    }
    let mut rustc = Command::new(rustc);
    rustc.arg(&source).arg("-o").arg(folder.join("empty")).arg("--target").arg(target);
    rustc.args(["-Cpanic=abort", &format!("-Clink-arg={flag}")]);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut told = OsString::from("-Clinker=");
        told.push(linker);
        rustc.arg(told);
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\u{1f}').filter(|flag| !flag.is_empty()));
    let status = rustc.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
