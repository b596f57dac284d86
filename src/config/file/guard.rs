//! `[guard]`: when agents that have its hook are warned and stopped.

use serde::Deserialize;
use toml::{Spanned, Value};

use super::Check;
use crate::budgets::Budget;
use crate::budgets::guard::Rules;
use crate::spend::Currency;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TypedGuard {
    budgets: Option<Vec<Spanned<String>>>,
    soft: Option<Spanned<i64>>,
    hard: Option<Spanned<i64>>,
    session: Option<Spanned<Value>>,
}

impl Check<'_> {
    pub(super) fn guard(&mut self, typed: TypedGuard, budgets: &[Budget]) -> Rules {
        let defaults = Rules::default();
        let named = typed.budgets.map(|names| self.guarded(names, budgets));
        let soft_percent =
            typed.soft.as_ref().and_then(|soft| self.guard_percent("guard.soft", soft));
        let hard_percent =
            typed.hard.as_ref().and_then(|hard| self.guard_percent("guard.hard", hard));
        let hard_percent = hard_percent.unwrap_or(defaults.hard_percent);
        if let (Some(soft), Some(written)) = (soft_percent, &typed.soft)
            && soft >= hard_percent
        {
            self.problem(
                written.span(),
                "guard.soft",
                format!("agents would be warned at {soft} % and stopped at {hard_percent} %"),
                "write a smaller share, or leave it out for the budget's own warning",
            );
        }
        let session =
            typed.session.map(|amount| self.amount("guard.session", &amount, Currency::USD));
        Rules { budgets: named, soft_percent, hard_percent, session }
    }

    fn guarded(&mut self, names: Vec<Spanned<String>>, budgets: &[Budget]) -> Vec<String> {
        for name in &names {
            if !budgets.iter().any(|budget| budget.name == *name.get_ref()) {
                let known: Vec<_> =
                    budgets.iter().map(|budget| format!("{:?}", budget.name)).collect();
                let hint = match known.as_slice() {
                    [] => "set one: spendbar budget set 50 --per day".to_owned(),
                    known => format!("write some of {}, or leave it out for all", known.join(", ")),
                };
                let what = format!("no budget is named {:?}", name.get_ref());
                self.problem(name.span(), "guard.budgets", what, hint);
            }
        }
        names.into_iter().map(Spanned::into_inner).collect()
    }

    fn guard_percent(&mut self, field: &str, written: &Spanned<i64>) -> Option<u32> {
        match u32::try_from(*written.get_ref()) {
            Ok(percent @ 1..=1000) => Some(percent),
            _ => {
                let what = format!("{} is out of range", written.get_ref());
                self.problem(written.span(), field, what, "write whole percent from 1 to 1000");
                None
            }
        }
    }
}
