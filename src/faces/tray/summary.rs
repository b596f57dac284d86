//! What "Copy summary" puts on the clipboard: plain text for a chat or a mail.

use super::{left_out_today, list_and_billed, pace, share_of};
use crate::board::{Board, wording};

/// Today in a few lines.
pub fn summary(board: &Board) -> String {
    let demo = if board.demo { " (demo, nothing of it is real)" } else { "" };
    let amount = board.amount(board.headline).map_or(wording::UNKNOWN.to_owned(), |amount| {
        let is_estimated = board.figures.chosen_is_estimated(board.headline);
        wording::estimate(is_estimated, wording::amount_full(&amount))
    });
    let mut lines = vec![format!("AI spend on {}{demo}: {amount}", wording::day(board.today))];
    lines.extend(list_and_billed(board));
    let tokens = board.figures.tokens.total();
    if tokens > 0 {
        let requests = board.figures.requests;
        lines.push(format!("{} tokens in {requests} requests", wording::tokens(tokens)));
    }
    lines.extend(left_out_today(board));
    for budget in board.budgets.iter().filter(|_| board.amount(board.headline).is_some()) {
        lines.push(format!("Budget {}: {}", budget.name, share_of(budget)));
    }
    lines.extend(pace(board));
    for source in &board.sources {
        lines.push(format!("{}: {}", source.info.name, super::menu::source_figure(source)));
    }
    for model in board.top_models.iter().take(3) {
        let name = super::menu::model_name(model);
        lines.push(format!("{name}: {}", super::menu::model_figure(model)));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::faces::examples;

    #[test]
    fn a_day_in_a_few_lines() {
        assert_snapshot!(summary(&examples::near()), @"
        AI spend on 24 Nov 2026: ≈ $402.00
        List price $402.00 · billed $98.02
        4.2 M tokens in 312 requests
        Budget daily: 80 % of $500
        At this pace ≈ $610.00 to $680.00 by midnight, 128 % of $500
        Claude Code: ≈ $210.37
        Codex: ≈ $4.00
        OpenAI: $98.02
        claude-opus-4-5: ≈ $180.10
        gpt-5.5: ≈ $34.27
        local-llama: –
        ");
        assert_snapshot!(summary(&examples::famous()), @r"
        AI spend on 24 Nov 2026 (demo, nothing of it is real): ≈ $20,012.84
        List price $20,012.84 · billed $19,985.84
        4.2 M tokens in 312 requests
        Budget daily: 100 % of $20,000
        Budget monthly: 65 % of this month's $2,000,000
        Claude Code: ≈ $12.10
        Codex: ≈ $4.00
        OpenAI: $19,985.84
        claude-opus-4-5: ≈ $1.31 M
        gpt-5.5: ≈ $34.27
        local-llama: –
        ");
        assert_snapshot!(summary(&examples::empty()), @"AI spend on 24 Nov 2026: –");
    }
}
