//! All figures of one span and scope.

use crate::plans::Paid;
use crate::spend::{Amounts, Converted, Currency, Money, TokenCounts};

/// Figures of one span and scope.
#[derive(Clone, Debug, PartialEq)]
pub struct Spend {
    /// Billed where a bill reaches, list price otherwise; dollars.
    pub spend: Money,
    /// True when any part of `spend` is a list price rather than a bill.
    pub estimated: bool,
    /// All usage at list price; dollars.
    pub list: Money,
    /// The part of `list` that is the agents' own figure, of models without a known price.
    pub stated: Money,
    /// Requests in `stated`.
    pub stated_requests: u64,
    /// What agents themselves state of usage that has a list price; in no other figure. `None`
    /// when none of them states a cost.
    pub agents_say: Option<Money>,
    /// What providers bill in dollars; `None` when no provider knows a day of the span.
    pub billed: Option<Money>,
    /// Bills in other currencies, in no dollar figure but what `converted` names.
    pub billed_other: Vec<Money>,
    /// Those of them that count in `spend`, at which rate.
    pub converted: Vec<Converted>,
    /// The part of `list` that a subscription covers.
    pub covered: Money,
    /// What gateways reckon that other providers charge; in no other figure.
    pub charged_elsewhere: Amounts,
    /// Requests.
    pub requests: u64,
    /// Tokens by kind.
    pub tokens: TokenCounts,
    /// Tokens of models without a known price: in no dollar figure.
    pub unpriced_tokens: u64,
    /// Those models (`None` where the log leaves it open) with their tokens, most first.
    pub unpriced_models: Vec<(Option<String>, u64)>,
    /// What is paid: as `spend`, with plans' fees in the place of what they cover, and discounts.
    pub paid: Paid,
}

impl Default for Spend {
    fn default() -> Self {
        let nothing = Money::zero(Currency::USD);
        Self {
            spend: nothing,
            estimated: false,
            list: nothing,
            stated: nothing,
            stated_requests: 0,
            agents_say: None,
            billed: None,
            billed_other: Vec::new(),
            converted: Vec::new(),
            covered: nothing,
            charged_elsewhere: Amounts::default(),
            requests: 0,
            tokens: TokenCounts::default(),
            unpriced_tokens: 0,
            unpriced_models: Vec::new(),
            paid: Paid::default(),
        }
    }
}
