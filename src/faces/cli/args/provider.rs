//! A provider's id, and the refusal of keys typed beside it.

use std::ffi::OsString;

use clap::Args;

use super::wrong;

/// A provider's id.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ProviderArg {
    /// The provider's id, as `spendbar sources` shows it, or webhook-NAME for a webhook's address
    pub provider: String,
    /// Swallows what else is typed, so that a key typed here is refused without being repeated.
    #[arg(hide = true, allow_hyphen_values = true, trailing_var_arg = true)]
    surplus: Vec<OsString>,
}

impl ProviderArg {
    pub(super) fn check(&self) -> Result<(), clap::Error> {
        if !self.surplus.is_empty() {
            return Err(wrong(
                "a key is never taken from the command line: leave it out, and it is asked for",
            ));
        }
        // Whoever mixes up the places has typed the key here; ids are short, and which there are
        // is known when the config is.
        let is_of_ids = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-@".contains(c);
        let id_like = self.provider.len() <= 32
            && self.provider.chars().all(is_of_ids)
            && !self.provider.starts_with("sk-");
        if id_like {
            return Ok(());
        }
        Err(wrong("that is no provider; `spendbar sources` lists them"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{command, refused};
    use super::super::{Command, KeyCommand};

    #[test]
    fn a_key_on_the_command_line_is_refused_and_not_repeated() {
        for line in [
            "key set openai-admin sk-secret",
            "key set openai-admin --key sk-secret",
            "key set openai-admin --key=sk-secret",
            "key set --key=sk-secret openai-admin",
            "key set openai-admin -sk-secret",
            "key set sk-secret",
            "key set sk-secret openai-admin",
            "key test openai-admin SK-SECRET-sk-secret",
        ] {
            let said = refused(line);
            assert!(!said.contains("secret") && !said.contains("SECRET"), "{line}: {said}");
        }
        assert!(matches!(command("key set openai-admin"), Command::Key(KeyCommand::Set(_))));
    }
}
