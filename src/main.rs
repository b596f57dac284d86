//! Parses arguments, runs one command, prints the error chain, sets the exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use spendbar::app;
use spendbar::faces::cli::args::Cli;
use spendbar::ledger::LedgerError;

fn main() -> ExitCode {
    // First of all: an agent waits for this one.
    if let Some(code) = app::answer_hook(std::env::args_os().skip(1)) {
        return code;
    }
    let log = env_logger::Env::new().filter_or("SPENDBAR_LOG", "warn");
    env_logger::Builder::from_env(log).format_target(false).init();
    let result = Cli::read(std::env::args_os()).map_err(anyhow::Error::from).and_then(app::run);
    let Err(error) = result else { return ExitCode::SUCCESS };
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        // Help goes to standard output and is no failure; a closed pipe is none either.
        let _ = usage.print();
        return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2));
    }
    if error.is::<app::Over>() {
        return ExitCode::from(3);
    }
    let closed_pipe = |cause: &(dyn std::error::Error + 'static)| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(closed_pipe) {
        return ExitCode::SUCCESS;
    }
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "spendbar: {error:#}");
    if let Some(hint) = error.chain().find_map(|cause| cause.downcast_ref::<LedgerError>()) {
        let _ = writeln!(io::stderr(), "  hint: {}", hint.hint());
    }
    ExitCode::FAILURE
}
