use super::*;

#[test]
fn providers_keep_their_hue() {
    assert_eq!(hue(Some("anthropic")), hue(Some("claude-code")));
    assert_eq!(hue(Some("openai")), hue(Some("openai-admin")));
    assert_ne!(hue(Some("openai")), hue(Some("anthropic")));
    assert_eq!(hue(None), "hue0");
}
