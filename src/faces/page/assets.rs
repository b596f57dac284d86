//! What the page is made of besides its HTML, inside the program. Names carry a fingerprint of the
//! content, so that browsers may keep them for ever and never show an old one.

use xxhash_rust::xxh3::xxh3_64;

/// The style sheet, the script and the icon.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The style sheet.
    pub style: Asset,
    /// The script.
    pub script: Asset,
    /// The icon of the browser's tab.
    pub icon: Asset,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Where it is served, from the root.
    pub address: String,
    /// Its media type.
    pub kind: &'static str,
    /// What is in it.
    pub text: &'static str,
}

impl Assets {
    /// All of them.
    pub fn new() -> Self {
        Self {
            style: asset("css", "text/css; charset=utf-8", STYLE),
            script: asset("js", "text/javascript; charset=utf-8", SCRIPT),
            icon: asset("svg", "image/svg+xml", ICON),
        }
    }

    /// The one at this address.
    pub fn at(&self, address: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.icon].into_iter().find(|asset| asset.address == address)
    }
}

impl Default for Assets {
    fn default() -> Self {
        Self::new()
    }
}

const STYLE: &str = include_str!("../../../assets/page/page.css");
const SCRIPT: &str = include_str!("../../../assets/page/page.js");
const ICON: &str = include_str!("../../../assets/page/icon.svg");

fn asset(ending: &str, kind: &'static str, text: &'static str) -> Asset {
    let address = format!("/assets/{:016x}.{ending}", xxh3_64(text.as_bytes()));
    Asset { address, kind, text }
}
