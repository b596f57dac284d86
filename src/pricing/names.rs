//! The names one model goes by: agents and gateways add dates, regions and context sizes.

/// The spellings to look for, the logged name first, then ever plainer ones.
pub(super) fn spellings(model: &str) -> Vec<String> {
    let mut found = vec![model.to_owned()];
    let mut name = model.to_owned();
    for step in [
        without_context_size,
        without_arn,
        without_bedrock,
        without_vertex_mark,
        with_vertex_date_as_suffix,
        with_claude_dashes,
        without_fine_tune_owner,
        without_date,
        without_latest,
    ] {
        if let Some(plainer) = step(&name).filter(|plainer| !plainer.is_empty()) {
            found.push(plainer.clone());
            name = plainer;
        }
    }
    found
}

/// The route and the model of `deepseek/deepseek-chat`; `None` without a route. The slash in an
/// AWS resource name is no route.
pub(super) fn route(model: &str) -> Option<(&str, &str)> {
    if model.starts_with("arn:") {
        return None;
    }
    model.split_once('/')
}

/// Claude Code's mark of the large context window: `claude-opus-4-6[1m]`.
fn without_context_size(name: &str) -> Option<String> {
    Some(name.strip_suffix(']')?.rsplit_once('[')?.0.to_owned())
}

/// An inference profile of Bedrock: `arn:aws:bedrock:…:inference-profile/us.anthropic.claude-…`.
fn without_arn(name: &str) -> Option<String> {
    Some(name.strip_prefix("arn:")?.rsplit_once('/')?.1.to_owned())
}

/// Bedrock: `us.anthropic.claude-sonnet-4-5-20250929-v1:0` and `anthropic.claude-opus-4-6-v1`.
fn without_bedrock(name: &str) -> Option<String> {
    let (before, model) = name.split_once("anthropic.")?;
    let region = before.strip_suffix('.').unwrap_or(before);
    let is_region = region.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    if !is_region || (before.len() == region.len()) != before.is_empty() {
        return None;
    }
    let Some((plain, version)) = model.rsplit_once("-v") else { return Some(model.to_owned()) };
    let (major, minor) = version.split_once(':').unwrap_or((version, "0"));
    Some(if is_number(major) && is_number(minor) { plain } else { model }.to_owned())
}

/// Vertex marks what it serves with `_vrtx_`.
fn without_vertex_mark(name: &str) -> Option<String> {
    Some(name.split_once("_vrtx_")?.0.to_owned())
}

/// Vertex: `claude-opus-4-5@20251101` is `claude-opus-4-5-20251101`, `…@default` has no date.
fn with_vertex_date_as_suffix(name: &str) -> Option<String> {
    let (model, version) = name.split_once('@')?;
    Some(match version {
        date if date.len() == 8 && is_number(date) => format!("{model}-{date}"),
        _ => model.to_owned(),
    })
}

/// Gateways write `claude-opus-4.6` for what Anthropic calls `claude-opus-4-6`.
fn with_claude_dashes(name: &str) -> Option<String> {
    let (route, model) = route(name).map_or(("", name), |(route, model)| (route, model));
    if !model.starts_with("claude-") || !model.contains('.') {
        return None;
    }
    let dashed = model.replace('.', "-");
    Some(if route.is_empty() { dashed } else { format!("{route}/{dashed}") })
}

/// A fine-tune is listed by its base: `ft:gpt-4o-2024-08-06:my-org::id`.
fn without_fine_tune_owner(name: &str) -> Option<String> {
    let base = name.strip_prefix("ft:")?.split_once(':')?.0;
    Some(format!("ft:{base}"))
}

/// `-2026-04-23` or `-20260423` at the end.
fn without_date(name: &str) -> Option<String> {
    let dated = |length: usize| {
        let (model, date) = name.split_at_checked(name.len().checked_sub(length)?)?;
        let digits: String = date.strip_prefix('-')?.split('-').collect();
        let dashes = date.bytes().enumerate().filter(|&(_, byte)| byte == b'-').map(|(at, _)| at);
        let well_placed = dashes.eq(if length == 9 { vec![0] } else { vec![0, 5, 8] });
        (well_placed && digits.len() == 8 && is_number(&digits)).then(|| model.to_owned())
    };
    dated(9).or_else(|| dated(11))
}

/// `-latest` at the end.
fn without_latest(name: &str) -> Option<String> {
    name.strip_suffix("-latest").map(str::to_owned)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(model: &str, expected: &[&str]) {
        assert_eq!(spellings(model)[1..], *expected, "{model}");
    }

    #[test]
    fn dates_and_latest_go_last() {
        check("gpt-5.5-2026-04-23", &["gpt-5.5"]);
        check("claude-haiku-4-5-20251001", &["claude-haiku-4-5"]);
        check("gpt-5-latest", &["gpt-5"]);
        check("gpt-4-0613", &[]);
        check("gpt-5.5-2026-0423", &[]);
        check("gpt-5.5-20-260423", &[]);
        check("gpt-5.5", &[]);
    }

    #[test]
    fn claude_code_marks_the_window() {
        check("claude-opus-4-6[1m]", &["claude-opus-4-6"]);
        check(
            "claude-sonnet-4-5-20250929[1m]",
            &["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
        );
    }

    #[test]
    fn bedrock_names_lose_region_vendor_and_version() {
        let dated = ["claude-sonnet-4-5-20250929", "claude-sonnet-4-5"];
        for prefix in ["anthropic.", "us.anthropic.", "apac.anthropic.", "us-gov.anthropic."] {
            check(&format!("{prefix}claude-sonnet-4-5-20250929-v1:0"), &dated);
        }
        check("anthropic.claude-opus-4-6-v1", &["claude-opus-4-6"]);
        check("global.anthropic.claude-opus-4-8", &["claude-opus-4-8"]);
        check(
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-6-v1",
            &["us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"],
        );
        check("notanthropic.claude-opus-4-6-v1", &[]);
        check("deepseek-v3", &[]);
    }

    #[test]
    fn vertex_names_carry_the_date_after_an_at_sign() {
        check("claude-opus-4-5@20251101", &["claude-opus-4-5-20251101", "claude-opus-4-5"]);
        check("claude-opus-4-6@default", &["claude-opus-4-6"]);
        check("claude-opus-4-6_vrtx_01", &["claude-opus-4-6"]);
    }

    #[test]
    fn gateways_write_dots_and_fine_tunes_carry_an_owner() {
        check("anthropic/claude-opus-4.6", &["anthropic/claude-opus-4-6"]);
        check("ft:gpt-4o-2024-08-06:acme::abc", &["ft:gpt-4o-2024-08-06", "ft:gpt-4o"]);
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "\\PC*") {
            prop_assert_eq!(&spellings(&name)[0], &name);
        }

        #[test]
        fn spellings_only_get_shorter(name in "(us\\.)?(anthropic\\.)?[a-z0-9.@_:/\\[\\]-]{0,30}(-v1:0|\\[1m\\]|-20250101|@20250101)?") {
            let found = spellings(&name);
            prop_assert!(found.windows(2).all(|pair| pair[1].len() <= pair[0].len()));
        }
    }
}
