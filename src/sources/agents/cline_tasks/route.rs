//! What Cline's name for a provider tells.

use crate::spend::Funding;

/// What Cline's name for a provider tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    /// The provider, as everybody calls it.
    pub provider: Option<String>,
    /// Whether a plan is behind it.
    pub funding: Funding,
    /// The request went through another agent's command line, which keeps a log of its own.
    pub is_logged_elsewhere: bool,
}

impl Route {
    /// Reads the id of a provider in Cline's settings (`sdk/packages/llms/src/providers/ids.ts`).
    pub fn of(id: Option<&str>) -> Self {
        let id = id.unwrap_or("").trim().to_lowercase();
        let provider = match id.as_str() {
            // Anybody's server that speaks as OpenAI's does.
            "" | "unknown" | "openai" | "openai-compatible" => None,
            "openai-native" | "openai-codex" => Some("openai".to_owned()),
            "gemini" => Some("google".to_owned()),
            _ => Some(id.clone()),
        };
        let is_plan = id == "openai-codex" || id.ends_with("-coding-plan");
        Self {
            provider,
            funding: if is_plan { Funding::Subscription } else { Funding::Unknown },
            is_logged_elsewhere: matches!(
                id.as_str(),
                "claude-code" | "openai-codex-cli" | "opencode"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compatible_server_is_nobody_and_a_plan_is_a_plan() {
        assert_eq!(Route::of(Some("openai")).provider, None);
        let plan = Route::of(Some("openai-codex"));
        assert_eq!(
            (plan.provider.as_deref(), plan.funding),
            (Some("openai"), Funding::Subscription)
        );
        assert!(Route::of(Some("claude-code")).is_logged_elsewhere);
        assert_eq!(Route::of(Some("OpenRouter")).provider.as_deref(), Some("openrouter"));
    }
}
