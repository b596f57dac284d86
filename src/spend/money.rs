//! Money as an integer: exact to read, exact to add, rounded once at display.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Atto-units (1e-18) in one unit of currency. Providers state amounts with ten and more decimals
/// and prices go down to billionths per token; atto-units hold both exactly and still leave room
/// for 1.7e20 dollars in an `i128`.
const ATTOS_PER_UNIT: i128 = 1_000_000_000_000_000_000;
const DECIMALS: usize = 18;
const ATTOS_PER_PICO: i128 = 1_000_000;

/// An ISO 4217 code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollars: the currency of every list price.
    pub const USD: Self = Self(*b"USD");

    /// The code, e.g. `USD`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// What stands before an amount: `$`, `€`, ... or the code and a space.
    pub fn sign(&self) -> String {
        match &self.0 {
            b"USD" => "$".into(),
            b"EUR" => "€".into(),
            b"GBP" => "£".into(),
            _ => format!("{} ", self.code()),
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.trim().as_bytes() {
            &[a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|byte| byte.to_ascii_uppercase())))
            }
            _ => Err(MoneyError::NotACurrency(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Neither a number nor a decimal text.
    #[error("{0:?} is not a decimal amount")]
    NotAnAmount(String),
    /// Larger than any amount this program can hold.
    #[error("{0:?} is too large an amount")]
    TooLarge(String),
    /// Not three letters.
    #[error("{0:?} is not a currency code of three letters")]
    NotACurrency(String),
}

/// An exact amount in one currency, in atto-units.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "(String, Currency)", into = "(String, Currency)")]
pub struct Money {
    /// 1e-18 of the currency's unit.
    pub attos: i128,
    /// Its currency.
    pub currency: Currency,
}

impl Money {
    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { attos: 0, currency }
    }

    /// From pico-dollars (1e-12), the unit of list prices.
    pub const fn from_picos_usd(picos: i128) -> Self {
        Self { attos: picos.saturating_mul(ATTOS_PER_PICO), currency: Currency::USD }
    }

    /// Reads a decimal (`12.5`, `-0.5`, `1e-7`), as text or as JSON number. Digits beyond the
    /// eighteenth decimal are rounded half-even: they are noise of the sender's binary floats.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        parse_scaled(text, DECIMALS as i32).map(|attos| Self { attos, currency })
    }

    /// Reads a decimal given in hundredths of the unit (`"123.45"` cents are 1.2345 dollars).
    pub fn parse_cents(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        parse_scaled(text, DECIMALS as i32 - 2).map(|attos| Self { attos, currency })
    }

    /// The sum; `None` when the currencies differ or the sum leaves the range.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency).then_some(())?;
        Some(Self { attos: self.attos.checked_add(other.attos)?, ..self })
    }

    /// All digits, no currency, no trailing zeros: `12.4056789012`, `0`, `-0.5`.
    pub fn to_decimal(&self) -> String {
        let whole = (self.attos / ATTOS_PER_UNIT).unsigned_abs();
        let rest = (self.attos % ATTOS_PER_UNIT).unsigned_abs();
        let sign = if self.attos < 0 { "-" } else { "" };
        if rest == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{rest:018}");
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }

    /// The amount rounded half-even to `decimals` places, counted in units of the last place
    /// (`12.345` at 2 is `1234`; `19985` at -3 is `20`). The one rounding, for display only.
    pub fn rounded(&self, decimals: i32) -> i128 {
        let dropped = (DECIMALS as i32).saturating_sub(decimals).clamp(0, 38);
        div_half_even(self.attos, 10_i128.pow(dropped as u32))
    }

    /// `self / other` in thousandths, rounded down; `None` when `other` is not positive.
    /// Used for shares of a budget, which compare and show but are never money again.
    pub fn permille_of(&self, other: &Self) -> Option<i128> {
        (self.currency == other.currency && other.attos > 0)
            .then(|| mul_div_floor(self.attos, 1000, other.attos))
    }

    /// This much and so many percent of it more, rounded up to a whole cent: a limit that somebody
    /// raises. `None` when there is no such amount.
    pub fn raised(&self, percent: u32) -> Option<Self> {
        const CENT: i128 = ATTOS_PER_UNIT / 100;
        let hundredfold = self.attos.checked_mul(i128::from(percent) + 100)?;
        let cents = hundredfold.checked_add(100 * CENT - 1)?.div_euclid(100 * CENT);
        Some(Self { attos: cents.checked_mul(CENT)?, currency: self.currency })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

impl TryFrom<(String, Currency)> for Money {
    type Error = MoneyError;

    fn try_from((text, currency): (String, Currency)) -> Result<Self, MoneyError> {
        Self::parse(&text, currency)
    }
}

impl From<Money> for (String, Currency) {
    fn from(money: Money) -> Self {
        (money.to_decimal(), money.currency)
    }
}

/// Amounts of several currencies side by side; they never add across.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts(BTreeMap<Currency, Money>);

impl Amounts {
    /// Adds one amount to the sum of its currency, stopping at the end of the range.
    pub fn add(&mut self, money: Money) {
        let sum = self.0.entry(money.currency).or_insert(Money::zero(money.currency));
        sum.attos = sum.attos.saturating_add(money.attos);
    }

    /// The sum in one currency; `None` when nothing in it was added.
    pub fn get(&self, currency: Currency) -> Option<Money> {
        self.0.get(&currency).copied()
    }

    /// The sum in dollars, zero when there is none.
    pub fn usd(&self) -> Money {
        self.get(Currency::USD).unwrap_or(Money::zero(Currency::USD))
    }

    /// Every sum, by currency code.
    pub fn iter(&self) -> impl Iterator<Item = Money> + '_ {
        self.0.values().copied()
    }

    /// True when nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A list price in pico-dollars (1e-12 $) per token: $0.025 per million tokens is 25 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price {
    /// 1e-12 dollars per token.
    pub picos_per_token: u64,
}

impl Price {
    /// Reads dollars per million tokens (`"2.5"`): 1 $/M is 1 000 000 picos per token.
    pub fn parse_usd_per_million(text: &str) -> Result<Self, MoneyError> {
        let picos = parse_scaled(text, 6)?;
        let picos_per_token =
            u64::try_from(picos).map_err(|_| MoneyError::NotAnAmount(text.to_owned()))?;
        Ok(Self { picos_per_token })
    }

    /// What `tokens` cost, in pico-dollars.
    pub fn cost_picos(&self, tokens: u64) -> i128 {
        i128::from(self.picos_per_token) * i128::from(tokens)
    }
}

/// Reads a decimal with an optional exponent as an integer count of `10^-scale`.
fn parse_scaled(text: &str, scale: i32) -> Result<i128, MoneyError> {
    let bad = || MoneyError::NotAnAmount(text.to_owned());
    let large = || MoneyError::TooLarge(text.to_owned());
    let trimmed = text.trim();
    let (mantissa, exponent) = match trimmed.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
            (mantissa, exponent.parse::<i32>().map_err(|_| bad())?)
        }
        None => (trimmed, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(bad());
    }
    if digits.ends_with('.') {
        return Err(bad());
    }
    let significant = format!("{whole}{fraction}");
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    // The value is `significant * 10^shift` in units of 10^-scale.
    let shift = i64::from(exponent) - fraction.len() as i64 + i64::from(scale);
    let length = significant.len() as i64;
    if length + shift > 38 {
        return Err(large());
    }
    let value = if shift >= 0 {
        let number: i128 = significant.parse().map_err(|_| large())?;
        number.checked_mul(10_i128.pow(shift as u32)).ok_or_else(large)?
    } else if -shift > length {
        0
    } else {
        let keep = (length + shift) as usize;
        let (kept, dropped) = significant.split_at(keep);
        let number: i128 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| large())? };
        number + i128::from(rounds_up(number, dropped))
    };
    Ok(if negative { -value } else { value })
}

/// Whether half-even rounding of `kept.dropped` goes away from zero.
fn rounds_up(kept: i128, dropped: &str) -> bool {
    let first = dropped.as_bytes().first().copied().unwrap_or(b'0');
    let exactly_half = first == b'5' && dropped[1..].bytes().all(|byte| byte == b'0');
    if exactly_half { kept % 2 == 1 } else { first >= b'5' }
}

fn div_half_even(value: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (value / divisor, value % divisor);
    let twice = rest.unsigned_abs() * 2;
    let away = match twice.cmp(&divisor.unsigned_abs()) {
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Less => false,
    };
    quotient + if away { value.signum() } else { 0 }
}

/// `a * b / c` rounded down, without leaving the range when `a` is near its end.
fn mul_div_floor(a: i128, b: i128, c: i128) -> i128 {
    match a.checked_mul(b) {
        Some(product) => product.div_euclid(c),
        None => a.div_euclid(c).saturating_mul(b),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).expect(text)
    }

    #[test]
    fn reads_numbers_and_texts_exactly() {
        for (text, decimal) in [
            ("0.06", "0.06"),
            ("12.3456789012", "12.3456789012"),
            ("1e-7", "0.0000001"),
            ("-0.5", "-0.5"),
            ("1E+3", "1000"),
            ("0", "0"),
            ("-0", "0"),
            ("0.0600000000000000019", "0.060000000000000002"),
            ("123456789.000000000000000001", "123456789.000000000000000001"),
        ] {
            assert_eq!(usd(text).to_decimal(), decimal, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in
            ["", "n/a", "1,5", ".", ".5", "5.", "--1", "1e", "1e1.5", "NaN", "inf", "1 2", "+1"]
        {
            assert!(Money::parse(text, Currency::USD).is_err(), "{text:?}");
        }
        assert_eq!(Money::parse("1e30", Currency::USD), Err(MoneyError::TooLarge("1e30".into())));
    }

    #[test]
    fn cents_are_hundredths() {
        let money = Money::parse_cents("0.000125", Currency::USD).expect("cents");
        assert_eq!(money.to_decimal(), "0.00000125");
    }

    #[test]
    fn rounds_half_even_once() {
        // 0.125 -> 0.12, 0.135 -> 0.14, -0.125 -> -0.12
        assert_eq!(usd("0.125").rounded(2), 12);
        assert_eq!(usd("0.135").rounded(2), 14);
        assert_eq!(usd("-0.125").rounded(2), -12);
        assert_eq!(usd("0.1250000001").rounded(2), 13);
    }

    #[test]
    fn currencies_do_not_add() {
        let euro = Money::parse("3", "eur".parse().expect("code")).expect("amount");
        assert_eq!(usd("2").checked_add(euro), None);
        let mut both = Amounts::default();
        both.add(usd("2"));
        both.add(euro);
        assert_eq!(both.iter().count(), 2);
        assert_eq!(both.usd(), usd("2"));
    }

    #[test]
    fn a_price_of_two_and_a_half_cents_per_million_is_exact() {
        let price = Price::parse_usd_per_million("0.025").expect("price");
        assert_eq!(price.picos_per_token, 25_000);
        // 3 tokens at 25 000 pico-dollars.
        assert_eq!(Money::from_picos_usd(price.cost_picos(3)).to_decimal(), "0.000000075");
    }

    proptest! {
        #[test]
        fn text_survives_a_round_trip(attos in -10_i128.pow(30)..10_i128.pow(30)) {
            let money = Money { attos, currency: Currency::USD };
            prop_assert_eq!(usd(&money.to_decimal()), money);
        }

        /// At least what was asked for, and less than a cent more.
        #[test]
        fn a_raise_is_whole_cents_and_never_too_little(attos in 0_i128..10_i128.pow(30), percent in 1_u32..=1000) {
            let raised = Money { attos, currency: Currency::USD }.raised(percent).expect("small enough");
            let (cent, asked) = (ATTOS_PER_UNIT / 100, attos * i128::from(percent + 100));
            prop_assert_eq!(raised.attos % cent, 0);
            prop_assert!(raised.attos * 100 >= asked && (raised.attos - cent) * 100 < asked);
        }

        #[test]
        fn adding_in_any_order_gives_the_same(mut parts in proptest::collection::vec(-10_i128.pow(24)..10_i128.pow(24), 0..20)) {
            let sum = |parts: &[i128]| {
                let mut sum = Amounts::default();
                parts.iter().for_each(|&attos| sum.add(Money { attos, currency: Currency::USD }));
                sum
            };
            let forward = sum(&parts);
            parts.reverse();
            prop_assert_eq!(sum(&parts), forward);
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Money::parse(&text, Currency::USD);
            let _ = Money::parse_cents(&text, Currency::USD);
        }

        #[test]
        fn number_like_text_never_panics(text in "-?[0-9]{0,45}\\.?[0-9]{0,45}(e-?[0-9]{1,12})?") {
            let _ = Money::parse(&text, Currency::USD);
        }
    }
}
