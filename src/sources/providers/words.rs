//! Times and sizes in words, for errors.

use std::time::Duration;

/// A number of bytes in words: `32 MiB`, `600 KiB`.
pub fn size(bytes: usize) -> String {
    match bytes / 1024 {
        kibi @ 0..1024 => format!("{kibi} KiB"),
        kibi => format!("{} MiB", kibi / 1024),
    }
}

/// A time in words: `20 s`, `300 ms`.
pub fn span(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units() {
        assert_eq!(span(Duration::from_secs(20)), "20 s");
        assert_eq!(span(Duration::from_millis(300)), "300 ms");
        assert_eq!(size(32 * 1024 * 1024), "32 MiB");
        assert_eq!(size(2048), "2 KiB");
    }
}
