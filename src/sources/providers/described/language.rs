//! The language of descriptions: what a file in `assets/providers`, or a `[[provider]]` of the
//! config, can say. Every word is here; unknown ones are refused.
//!
//! Words with a value of their own kind ([`Place`], [`Template`], [`Scale`] ...) refuse a wrong one
//! where it stands; what concerns several of them is checked in [`super::load`].

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::place::{Place, Places};
use super::template::{Body, Template};
use crate::spend::{ChargeKind, Currency};

/// One provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// Kebab-case id.
    pub id: Spanned<String>,
    /// Its name as people write it; the id without one.
    pub name: Option<String>,
    /// Where requests go. Without one the config has to say it: a gateway of the user's own.
    pub base_url: Option<Spanned<String>>,
    /// Hosts of the same service in other parts of the world, with their currencies.
    #[serde(default)]
    pub region: Vec<Region>,
    /// Who pays; the id without one.
    pub account: Option<String>,
    /// Where the endpoints are documented.
    pub manual: Option<String>,
    /// Where the provider tells of its own faults: a page that answers below `/api/v2/status.json`
    /// as Atlassian Statuspage does.
    pub status_page: Option<Spanned<String>>,
    /// Minutes between looks.
    #[serde(default = "five")]
    pub poll_minutes: u32,
    /// The fewest minutes between looks.
    #[serde(default)]
    pub least_minutes: u32,
    /// What it tells, one clause.
    #[serde(default)]
    pub tells: String,
    /// What it can't tell, one clause.
    #[serde(default)]
    pub limits: String,
    /// How the key is found and sent; a provider without one is asked without a key.
    pub key: Option<Key>,
    /// What else has to be set.
    #[serde(default)]
    pub setting: Vec<Setting>,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// What tells a refusal from an answer.
    #[serde(default)]
    pub answer: Answer,
    /// What is asked, in this order.
    #[serde(default)]
    pub call: Vec<Spanned<Call>>,
}

fn five() -> u32 {
    5
}

/// A host of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// What the setting `region` is set to; the first one holds unless it is.
    pub name: String,
    /// Where requests go.
    pub base_url: Spanned<String>,
    /// What `currency = "region"` stands for.
    pub currency: Option<Currency>,
}

/// A key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Usual environment variables, first one wins.
    #[serde(default)]
    pub variables: Vec<String>,
    /// What kind of key it has to be, for people.
    #[serde(default = "a_key")]
    pub kind: String,
    /// How it is sent.
    #[serde(default)]
    pub send: Send,
}

fn a_key() -> String {
    "an API key".into()
}

/// `bearer`, `basic-user`, `scheme:Token`, `header:x-api-key`, `body:service_key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Send {
    /// `Authorization: Bearer <key>`.
    #[default]
    Bearer,
    /// As the user of basic authentication.
    BasicUser,
    /// `Authorization: <word> <key>`.
    Scheme(String),
    /// A header that holds the bare key.
    Header(String),
    /// A field of the JSON body.
    Body(String),
}

impl TryFrom<String> for Send {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "bearer" => Ok(Self::Bearer),
            None if text == "basic-user" => Ok(Self::BasicUser),
            Some(("scheme", word)) if !word.is_empty() => Ok(Self::Scheme(word.into())),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.into())),
            Some(("body", field)) if !field.is_empty() => Ok(Self::Body(field.into())),
            _ => Err(format!(
                "{text:?} is no way to send a key: write \"bearer\", \"basic-user\", \
                 \"scheme:WORD\", \"header:NAME\" or \"body:FIELD\""
            )),
        }
    }
}

/// Something besides the key that has to be known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// Its name in the config, and in holes.
    pub name: String,
    /// The usual environment variable.
    #[serde(default)]
    pub variable: String,
    /// What it is and where it is found, for people.
    pub what: String,
    /// What holds where it is not set.
    pub default: Option<String>,
}

/// What tells a refusal from an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// What a good answer holds: places and their values.
    #[serde(default)]
    pub ok: BTreeMap<Place, Is>,
    /// What a good answer does not hold: places and their values.
    #[serde(default)]
    pub unless: BTreeMap<Place, Is>,
    /// Where a good answer holds nothing, such as `/errors`; null and an empty list are
    /// nothing.
    #[serde(default)]
    pub refusal: Vec<Place>,
    /// Where an answer that is not good holds its code.
    pub code: Option<Places>,
    /// What those codes mean.
    #[serde(default)]
    pub codes: BTreeMap<String, Failure>,
    /// What HTTP statuses mean where it is not the usual.
    #[serde(default)]
    pub statuses: BTreeMap<String, Failure>,
}

/// What a failure means, with a clause for people where that has room for one:
/// `not-offered: the plan has no admin API`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// One clause, may be empty.
    pub say: String,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The key is unknown.
    KeyRejected,
    /// The key may not read this.
    WrongKindOfKey,
    /// The account does not have this.
    NotOffered,
    /// No credit.
    OutOfCredit,
    /// Wait.
    RateLimited,
    /// The provider has a fault.
    Down,
}

impl TryFrom<String> for Failure {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (word, say) = text.split_once(':').unwrap_or((&text, ""));
        let kind = match word.trim() {
            "key-rejected" => FailureKind::KeyRejected,
            "wrong-kind-of-key" => FailureKind::WrongKindOfKey,
            "not-offered" => FailureKind::NotOffered,
            "out-of-credit" => FailureKind::OutOfCredit,
            "rate-limited" => FailureKind::RateLimited,
            "down" => FailureKind::Down,
            other => {
                return Err(format!(
                    "{other:?} is no meaning of a failure: write one of key-rejected, \
                     wrong-kind-of-key, not-offered, out-of-credit, rate-limited, down"
                ));
            }
        };
        Ok(Self { kind, say: say.trim().to_owned() })
    }
}

/// A value, or a list of those that will do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Is(Vec<serde_json::Value>);

impl Is {
    /// Whether a value is one of these; 0.0 is 0, and "0" is a text.
    pub fn matches(&self, value: Option<&serde_json::Value>) -> bool {
        let value = value.unwrap_or(&serde_json::Value::Null);
        let same = |one: &serde_json::Value| {
            let (number, of) = (super::place::number(one), super::place::number(value));
            one.is_number() && value.is_number() && number.is_some() && number == of
        };
        self.0.iter().any(|one| one == value || same(one))
    }
}

impl TryFrom<toml::Value> for Is {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        let one = |value: toml::Value| match value {
            toml::Value::String(text) => Ok(text.into()),
            toml::Value::Integer(number) => Ok(number.into()),
            toml::Value::Boolean(truth) => Ok(truth.into()),
            _ => Err("write a text, a whole number, true or false, or a list of them".to_owned()),
        };
        match value {
            toml::Value::Array(list) => {
                list.into_iter().map(one).collect::<Result<_, _>>().map(Self)
            }
            single => Ok(Self(vec![one(single)?])),
        }
    }
}

/// One request, and what its answer tells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Below the address.
    pub path: Template,
    /// Behind the question mark.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Makes it a POST of this JSON.
    pub body: Option<Body>,
    /// What the reading lacks when this call fails, as the begin of a sentence: `The balance`.
    /// Without it a failure of this call is one of the whole look.
    pub optional: Option<String>,
    /// Asked once for each of the last so many UTC days.
    pub per_day: Option<u32>,
    /// True where only UTC days that are over are asked about.
    #[serde(default)]
    pub finished: bool,
    /// How many days back may be asked about.
    pub last_days: Option<u32>,
    /// How further pages are asked for.
    pub page: Option<Page>,
    /// Values for the holes of later calls. A list makes those calls come once for each of its
    /// items.
    #[serde(default)]
    pub values: BTreeMap<String, Values>,
    /// Keeps the answer: later calls find it in theirs, under this name.
    pub beside: Option<String>,
    /// Where the plan's name lies.
    pub plan: Option<Places>,
    /// Prepaid credit.
    #[serde(default)]
    pub balance: Vec<BalanceFact>,
    /// Quota windows and limits.
    #[serde(default)]
    pub quota: Vec<QuotaFact>,
    /// Costs per UTC day.
    #[serde(default)]
    pub cost: Vec<CostFact>,
    /// Costs of other periods.
    #[serde(default)]
    pub total: Vec<TotalFact>,
    /// Tokens per UTC day and model.
    #[serde(default)]
    pub tokens: Vec<TokensFact>,
}

/// Further pages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// What the next request takes over, by its name there.
    #[serde(default)]
    pub send: BTreeMap<String, Place>,
    /// The list whose last row [`Self::send`] is read from; the answer's top without one.
    pub from_last: Option<Place>,
    /// The name of a page number, from 1.
    pub number: Option<String>,
    /// Where it says how many pages there are.
    pub pages: Option<Place>,
    /// Where it says whether there is more.
    pub more: Option<Place>,
    /// Follows the answer's `Link` header (RFC 8288) to the `next` page.
    #[serde(default)]
    pub link_header: bool,
}

/// Values for later calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// The rows; the answer's top without it.
    pub each: Option<Place>,
    /// Where the value lies.
    pub at: Places,
}

/// Rows that a fact is read from.
pub trait Rows {
    /// Where they lie.
    fn each(&self) -> Option<&Place>;
    /// What they must hold.
    fn only(&self) -> &BTreeMap<Place, Is>;
    /// What they must not hold.
    fn unless(&self) -> &BTreeMap<Place, Is>;
    /// Whether they may be missing.
    fn optional(&self) -> bool;
}

/// What amounts are in.
pub trait Unit {
    /// A currency, where it lies, or `region`.
    fn currency(&self) -> Option<&Text>;
    /// A word for units that are not money. A setting may be that word (`{unit}`); where it names
    /// a currency, the amounts are money after all.
    fn unit(&self) -> Option<&Template>;
    /// What numbers are multiplied by.
    fn scale(&self) -> Scale;
}

macro_rules! fact {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Where the rows lie: a list, or an object whose values are rows. Without it the
            /// whole answer is one row.
            pub each: Option<Place>,
            /// Only rows that hold this.
            #[serde(default)]
            pub only: BTreeMap<Place, Is>,
            /// Not the rows that hold this.
            #[serde(default)]
            pub unless: BTreeMap<Place, Is>,
            /// True where rows, or numbers in them, may be missing: nothing is said then.
            #[serde(default)]
            pub optional: bool,
            /// `USD`, a place, or `region`.
            pub currency: Option<Text>,
            /// What is counted where it is not money, a word in the plural, or a setting.
            pub unit: Option<Template>,
            /// What numbers are multiplied by: `1/100` for cents.
            #[serde(default)]
            pub scale: Scale,
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl Rows for $name {
            fn each(&self) -> Option<&Place> { self.each.as_ref() }
            fn only(&self) -> &BTreeMap<Place, Is> { &self.only }
            fn unless(&self) -> &BTreeMap<Place, Is> { &self.unless }
            fn optional(&self) -> bool { self.optional }
        }

        impl Unit for $name {
            fn currency(&self) -> Option<&Text> { self.currency.as_ref() }
            fn unit(&self) -> Option<&Template> { self.unit.as_ref() }
            fn scale(&self) -> Scale { self.scale }
        }
    };
}

fact!(
    /// Prepaid credit left.
    BalanceFact {
        /// What it is called.
        name: Text,
        /// The number.
        amount: Places,
        /// Added to it.
        plus: Option<Places>,
        /// Taken from it.
        less: Option<Places>,
        /// True where what is left is written as a negative number.
        #[serde(default)]
        negate: bool,
    }
);

fact!(
    /// A limit and how far it is used: two of used, limit and left, or one share.
    QuotaFact {
        /// What it is called; the words for its length without a name.
        name: Option<Text>,
        /// Used so far.
        used: Option<Places>,
        /// What the used number is multiplied by where it is not what the limit is.
        used_scale: Option<Scale>,
        /// The limit.
        limit: Option<Places>,
        /// What is left.
        left: Option<Places>,
        /// Used, in percent.
        percent_used: Option<Places>,
        /// Left, in percent.
        percent_left: Option<Places>,
        /// Used, from 0 to 1.
        share_used: Option<Places>,
        /// A limit that stands for none.
        unlimited: Option<Is>,
        /// How long the window is, seconds.
        seconds: Option<u64>,
        /// How long the window is, where the answer says it.
        length: Option<Length>,
        /// When it starts anew: a date and time, or seconds, milliseconds or microseconds since
        /// 1970, told apart by their size.
        resets_at: Option<Places>,
        /// When it starts anew, as a word.
        resets: Option<Text>,
    }
);

fact!(
    /// Money per UTC day.
    CostFact {
        /// The day: a place with a date or a moment, or `{day}` in a call per day.
        day: Text,
        /// The number.
        amount: Places,
        /// Billionths of it that stand beside it.
        nanos: Option<Places>,
        /// What a missing number counts as.
        missing: Option<Number>,
        /// Billed, estimated or list.
        #[serde(default = "billed")]
        kind: ChargeKind,
        /// The model, where rows name one.
        model: Option<Places>,
        /// The project, key or workspace, where rows name one.
        project: Option<Places>,
    }
);

fact!(
    /// What was spent over a period that is no UTC day of a bill.
    TotalFact {
        /// Whose it is.
        name: Text,
        /// The period: a text with holes (`{now:year_month}`), or a place.
        period: Text,
        /// True where the period is the UTC day of the moment that lies there; equal days add up.
        #[serde(default)]
        by_day: bool,
        /// The number.
        amount: Places,
    }
);

fact!(
    /// Tokens per UTC day and model.
    TokensFact {
        /// The day, as in a cost.
        day: Text,
        /// The model.
        model: Option<Places>,
        /// Uncached input.
        input: Option<Places>,
        /// Output.
        output: Option<Places>,
        /// Input read from a cache.
        cache_read: Option<Places>,
        /// Requests.
        requests: Option<Places>,
    }
);

fn billed() -> ChargeKind {
    ChargeKind::Billed
}

/// A length that the answer tells in units of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Length {
    /// How many.
    pub count: Places,
    /// Of which unit.
    pub unit: Places,
    /// Seconds of each unit.
    pub seconds: BTreeMap<String, u64>,
}

/// A text: from a place in the answer where it begins like one, else itself, with holes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Text {
    /// In the answer.
    At(Place),
    /// Itself.
    Written(Template),
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if Place::is_one(&text) {
            Place::try_from(text).map(Self::At)
        } else {
            Template::try_from(text).map(Self::Written)
        }
    }
}

/// A decimal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Number(pub i128);

impl TryFrom<String> for Number {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        super::place::number(&text.clone().into())
            .map(Self)
            .ok_or_else(|| format!("{text:?} is no number: write a decimal such as \"0\""))
    }
}

/// What a number is multiplied by: `1/100`, `1/2000000`, `1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Scale {
    divisor: i128,
}

impl Default for Scale {
    fn default() -> Self {
        Self { divisor: 1 }
    }
}

impl Scale {
    /// Atto-units of the unit out of atto-units as written. What lies beyond the eighteenth decimal
    /// is cut off.
    pub fn apply(self, attos: i128) -> i128 {
        attos / self.divisor
    }
}

impl TryFrom<String> for Scale {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let divisor = match text.strip_prefix("1/") {
            Some(digits) => {
                digits.parse().ok().filter(|divisor| (1..=1_000_000_000).contains(divisor))
            }
            None => (text == "1").then_some(1),
        };
        divisor.map(|divisor| Self { divisor }).ok_or_else(|| {
            format!(
                "{text:?} is no scale: write one unit of the number, such as \"1/100\" for cents"
            )
        })
    }
}
