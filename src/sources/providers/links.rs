//! Where an answer's `Link` header leads (RFC 8288).

/// The address that a `Link` header calls `next`: `<https://a.example/?page=2>; rel="next"`.
pub fn next_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (address, about) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = about.split(';').any(|part| {
            let part = part.trim().to_ascii_lowercase();
            part == "rel=next" || part == "rel=\"next\""
        });
        is_next.then(|| address.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_page_is_one() {
        let header =
            r#"<https://a.example/?page=1>; rel="prev", </?page=3>; rel="next"; title="x""#;
        assert_eq!(next_link(header).as_deref(), Some("/?page=3"));
        assert_eq!(next_link("</last>; rel=last"), None);
        assert_eq!(next_link("nonsense"), None);
    }
}
