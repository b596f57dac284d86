//! What the keyring holds keys for, asked once for all who want to know it at the same time.
//!
//! Dozens of providers are due together, hardly any of them has a key, and opening a keyring costs
//! both programs more than all else that such a look does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::{SecretError, Store};

/// What the keyring holds something for, or why it can't be asked; `None` where the system does not
/// tell.
pub type Names = Result<Option<Arc<[String]>>, SecretError>;

/// Whether something is kept under a name.
pub fn have(names: &[String], id: &str) -> bool {
    names.iter().any(|name| name == id)
}

/// The last answer, and when it was asked for.
#[derive(Debug, Default)]
pub struct Shared(Mutex<Option<(Instant, Names)>>);

impl Shared {
    /// What the keyring held at `since` or later: the answer to somebody who asked meanwhile, or a
    /// new one. Blocks as the keyring does.
    pub fn names(&self, since: Instant, store: &Store) -> Names {
        self.names_by(since, || store.names())
    }

    fn names_by(&self, since: Instant, ask: impl FnOnce() -> Names) -> Names {
        // Whoever comes while another one asks waits here for that answer.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some((asked, names)) if *asked >= since => names.clone(),
            _ => {
                let asked = Instant::now();
                let names = ask();
                *last = Some((asked, names.clone()));
                names
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_is_for_all_who_began_before_it_was_asked_for() {
        let (shared, asked) = (Shared::default(), Cell::new(0));
        let names = |since| {
            let ask = || {
                asked.set(asked.get() + 1);
                Ok(Some([asked.get().to_string()].into()))
            };
            shared.names_by(since, ask).expect("told").expect("told")[0].clone()
        };
        let first = Instant::now();
        assert_eq!(names(first), "1");
        assert_eq!(names(first), "1");
        thread::sleep(Duration::from_millis(1));
        // A key may have been set since.
        let second = Instant::now();
        assert_eq!(names(second), "2");
        assert_eq!([names(first), names(second)], ["2", "2"]);
    }

    #[test]
    fn a_keyring_that_can_t_be_asked_is_asked_once_for_all_too() {
        let (shared, since) = (Shared::default(), Instant::now());
        let silent = || Err(SecretError::Silent { variable: None });
        assert_eq!(shared.names_by(since, silent), silent());
        assert_eq!(shared.names_by(since, || panic!("it was asked")), silent());
    }
}
