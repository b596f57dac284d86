//! What the running program makes of the status pages of providers.

use super::Monitor;
use crate::ledger::LedgerError;
use crate::monitor::{Event, incidents};
use crate::spend::Trouble;

impl<T: FnMut(Event)> Monitor<T> {
    /// Asks the status pages of the providers that are asked, as the last looks left it.
    pub(super) fn follow_pages(&mut self) {
        let sources = self.jobs.iter().map(|job| job.source.info());
        self.incidents.follow(&incidents::wanted(&self.config, sources, &self.live));
    }

    /// Keeps what a status page says.
    ///
    /// # Errors
    /// The ledger is damaged.
    pub(super) fn hear(&mut self, page: &str, says: Option<&Trouble>) -> Result<(), LedgerError> {
        match self.ledger.keep_incident(page, says, self.setup.clock.now()) {
            Ok(true) => self.publish(),
            Ok(false) => {}
            Err(error @ LedgerError::Corrupt { .. }) => return Err(error),
            // Nobody waits for it, and the next answer will say it again.
            Err(error) => log::debug!("{page}: {error}"),
        }
        Ok(())
    }
}
