//! Programs that are run in the background.

use std::process::{Child, Command};

/// Starts it so that [`end`] reaches what it starts itself, and without a console window.
pub fn prepare(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(target_os = "windows")]
    {
        // `CREATE_NO_WINDOW`, process creation flags of the Win32 API.
        std::os::windows::process::CommandExt::creation_flags(command, 0x0800_0000);
    }
    #[cfg(not(any(unix, target_os = "windows")))]
    let _ = command;
}

/// Stops this program as Ctrl-Z does, with whatever the shell started together with it; returns when
/// it goes on. Does nothing where there is no job control.
pub fn suspend() {
    // Process 0 is the group of whoever asks: `kill` stops with us, and ends when both go on.
    #[cfg(unix)]
    if let Err(error) = Command::new("kill").args(["-TSTP", "0"]).status() {
        log::debug!("kill -TSTP: {error}");
    }
}

/// Ends it at once; where there are process groups, with everything it has started. It is still to
/// be waited for.
pub fn end(child: &mut Child) {
    #[cfg(unix)]
    {
        let group = format!("-{}", child.id());
        // The program itself is ended below in any case.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    }
    // It fails only when the program has ended by itself.
    let _ = child.kill();
}
