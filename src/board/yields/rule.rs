//! The rule is tested on histories that were never in a repository.

mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::*;
    use crate::ledger::{AskedProject, LookRecord, Recording};
    use crate::pricing::PriceTable;
    use crate::spend::{
        Change, Commit, EventKey, Forge, History, MergedPull, Place, Project, ReadBefore, Reading,
        TokenCounts, Usage, Zone,
    };

    const NOON: &str = "2026-11-24T12:00:00Z";

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect(text)
    }

    fn commit(number: usize, seconds: i64, email: &str) -> Commit {
        let at = at("2026-11-20T00:00:00Z") + TimeDelta::seconds(seconds);
        Commit {
            id: format!("{number:040x}"),
            parents: Vec::new(),
            author: "Ada".into(),
            email: email.into(),
            authored_at: at,
            committed_at: at,
            branch: Some("main".into()),
            subject: format!("Change {number}"),
            change: Some(Change { added: 3, removed: 1, files: 1 }),
            reverts: Vec::new(),
            lists: Vec::new(),
            pull: None,
        }
    }

    /// What was spent: seconds, tokens, the folder's number, and whether the model has a price.
    type Spending = (i64, u64, usize, bool);

    fn ledger(home: &std::path::Path, spending: &[Spending], commits: Vec<Commit>) -> Ledger {
        let mut ledger = Ledger::open(&home.join("ledger.db"), at(NOON)).expect("opens").ledger;
        let usages =
            spending.iter().enumerate().map(|(index, (seconds, input, folder, has_price))| Usage {
                key: EventKey::original(&[&index.to_le_bytes()], &[b"request"]),
                at: at("2026-11-20T00:00:00Z") + TimeDelta::seconds(*seconds),
                provider: None,
                model: Some(if *has_price { "claude-haiku-4-5" } else { "no-such-model" }.into()),
                tokens: TokenCounts { input: *input, ..TokenCounts::default() },
                speed: Default::default(),
                web_searches: 0,
                stated_cost: None,
                project: (*folder < 3).then(|| format!("/work/{folder}").into()),
                session: Some("session".into()),
                funding: Default::default(),
                is_sum: false,
            });
        let reading = Reading { usages: usages.collect(), ..Reading::default() };
        static SOURCE: crate::spend::SourceInfo = crate::spend::SourceInfo {
            id: "claude-code",
            name: "Claude Code",
            kind: crate::spend::SourceKind::Agent,
            account: "anthropic",
            poll_minutes: 10,
            least_minutes: 0,
            settings: &[],
            status_page: "",
            key: None,
            base_url: "",
            tells: "",
            reads: "",
            limits: "",
        };
        let look = LookRecord {
            source: &SOURCE,
            account: "anthropic",
            funding: None,
            at: at(NOON),
            took_ms: 1,
        };
        let mut recording: Recording<'_> = ledger.begin().expect("begins");
        recording.record(&look, &reading, &PriceTable::builtin()).expect("recorded");
        recording.commit().expect("kept");
        // The folders 0 and 1 are two repositories, 2 is in none.
        let place = |folder: usize| {
            let name = format!("/work/{folder}");
            (name.clone(), Place { common: format!("{name}/.git"), tree: name.clone(), name })
        };
        ledger.keep_places(&BTreeMap::from([place(0), place(1)])).expect("kept");
        let history = History {
            commits,
            is_whole: true,
            email: Some("ada@example.com".into()),
            read: ReadBefore { heads: vec!["x".into()], shallow: Vec::new() },
            ..History::default()
        };
        let read = [("/work/0/.git".to_owned(), 7, Ok(history))];
        ledger.keep_histories(&read, at("2026-01-01T00:00:00Z"), at(NOON)).expect("kept");
        ledger
    }

    /// A pull request: when it was merged, the numbers of its commits, and whether the last of them
    /// is the one that the merge made.
    type Merged = (i64, Vec<usize>, bool);

    fn keep_pulls(ledger: &mut Ledger, merged: &[Merged]) {
        let project =
            Project { forge: Forge::GitHub, host: "github.com".into(), path: "ada/tea".into() };
        let pulls = merged.iter().zip(1..).map(|((seconds, commits, has_merge), number)| {
            let mut commits: Vec<String> = commits.iter().map(|it| format!("{it:040x}")).collect();
            let merges = if *has_merge { commits.pop().into_iter().collect() } else { Vec::new() };
            let merged_at = at("2026-11-20T00:00:00Z") + TimeDelta::seconds(*seconds);
            MergedPull { number, merged_at, merges, commits }
        });
        let told = [(project, AskedProject::default(), pulls.collect())];
        ledger.keep_pulls(&told).expect("kept");
    }

    fn asked(ledger: &Ledger, by: &[YieldBy], window_hours: u32) -> Yields {
        let days = ("2026-11-01".parse().expect("a day"), "2026-11-30".parse().expect("a day"));
        let asked = AskedYields {
            now: at(NOON),
            days,
            zone: Zone::UTC,
            by,
            window_hours,
            unread: &[],
            untold: &[],
        };
        yields(ledger, &asked).expect("asked")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_atto_is_in_one_place(
            spending in proptest::collection::vec((0_i64..300_000, 1_u64..3_000_000, 0_usize..4, any::<bool>()), 0..60),
            made in proptest::collection::vec((0_i64..300_000, 0_usize..4), 0..30),
            window in 1_u32..60,
            merged in proptest::collection::vec((0_i64..300_000, proptest::collection::vec(0_usize..30, 0..5), any::<bool>()), 0..6),
            by in proptest::sample::subsequence(vec![YieldBy::Repository, YieldBy::Branch, YieldBy::Author, YieldBy::Commit, YieldBy::PullRequest], 0..=5),
        ) {
            let home = tempfile::tempdir().expect("a folder");
            let commits: Vec<Commit> = made
                .iter()
                .enumerate()
                .map(|(number, (seconds, who))| commit(number, *seconds, if *who == 0 { "bob@example.com" } else { "ada@example.com" }))
                .collect();
            let mut ledger = ledger(home.path(), &spending, commits.clone());
            keep_pulls(&mut ledger, &merged);
            let answer = asked(&ledger, &by, window);
            let report = ledger.report("2026-11-01".parse().expect("a day"), "2026-11-30".parse().expect("a day"), Zone::UTC, &[]).expect("asked").totals;
            let places = [answer.totals.at_commits, answer.totals.no_commit, answer.elsewhere];
            let sum: i128 = places.iter().map(Spent::attos).sum();
            prop_assert_eq!(sum, report.list.map_or(0, |list| list.attos));
            prop_assert_eq!(places.iter().map(|it| it.unpriced_tokens).sum::<u64>(), report.unpriced_tokens);
            prop_assert_eq!(places.iter().map(|it| it.requests).sum::<u64>(), report.requests);
            let rows: i128 = answer.rows.iter().map(|row| row.sums.at_commits.attos() + row.sums.no_commit.attos()).sum();
            let days: i128 = answer.per_day.iter().map(|day| day.at_commits.attos() + day.no_commit.attos()).sum();
            prop_assert_eq!(rows, sum - answer.elsewhere.attos());
            prop_assert_eq!(days, rows);

            // The rule once more, the long way round: request by request, commit by commit.
            let mut expected: BTreeMap<String, u64> = BTreeMap::new();
            for (seconds, input, folder, _) in spending.iter().filter(|it| it.2 == 0) {
                let then = at("2026-11-20T00:00:00Z") + TimeDelta::seconds(*seconds);
                let next = commits
                    .iter()
                    .filter(|it| it.email.starts_with("ada") && it.authored_at >= then)
                    .min_by_key(|it| (it.authored_at, it.id.clone()));
                if let Some(next) = next
                    && next.authored_at - then <= TimeDelta::hours(window.into())
                {
                    *expected.entry(next.authored_at.to_rfc3339()).or_default() += input;
                }
                prop_assert_eq!(*folder, 0);
            }
            let by_commit = asked(&ledger, &[YieldBy::Commit], window);
            let mut told: BTreeMap<String, u64> = BTreeMap::new();
            for row in &by_commit.rows {
                let Some(commit) = &row.commit else { continue };
                // A dollar is a million tokens of the one model; those of the other have no price.
                let tokens = row.sums.at_commits.attos() / 1_000_000_000_000;
                *told.entry(commit.at.to_rfc3339()).or_default() += tokens as u64 + row.sums.at_commits.unpriced_tokens;
            }
            prop_assert_eq!(told, expected);

            // A commit is the first merged one's of all that have it, and nobody else's.
            let by_pull = asked(&ledger, &[YieldBy::PullRequest, YieldBy::Commit], window);
            for row in &by_pull.rows {
                let Some(commit) = &row.commit else {
                    prop_assert_eq!(&row.pull, &None);
                    continue;
                };
                let has = |(_, (_, commits, _)): &(u64, &Merged)| {
                    commits.iter().any(|it| format!("{it:040x}") == commit.id)
                };
                let of = (1..).zip(&merged).filter(has).min_by_key(|(number, it)| (it.0, *number));
                prop_assert_eq!(row.pull.as_ref().map(|it| it.number), of.map(|(number, _)| number));
            }
            let in_pulls: i128 = by_pull
                .rows
                .iter()
                .filter(|row| row.pull.is_some())
                .map(|row| row.sums.at_commits.attos())
                .sum();
            let listed: i128 = by_pull.pulls.iter().map(|pull| pull.spent.attos()).sum();
            prop_assert_eq!(listed, in_pulls);
        }
    }

    #[test]
    fn what_a_shorter_form_of_an_id_reverts_is_found_and_nothing_else() {
        let mut commits =
            vec![commit(1, 100, "ada@example.com"), commit(2, 200, "ada@example.com")];
        commits[1].reverts = vec![commits[0].id[..12].to_owned(), "deadbeef".into()];
        let home = tempfile::tempdir().expect("a folder");
        let ledger =
            ledger(home.path(), &[(90, 1_000_000, 0, true), (150, 2_000_000, 0, true)], commits);
        let answer = asked(&ledger, &[YieldBy::Repository], 24);
        assert_eq!(answer.totals.reverted.list.map(|it| it.to_decimal()).as_deref(), Some("1"));
        assert_eq!(answer.totals.per_commit().map(|it| it.to_decimal()).as_deref(), Some("1.5"));
        assert_eq!(answer.totals.per_line().map(|it| it.to_decimal()).as_deref(), Some("0.375"));
    }

    #[test]
    fn unknown_is_not_zero() {
        let commits = vec![commit(1, 100, "ada@example.com")];
        let home = tempfile::tempdir().expect("a folder");
        let ledger = ledger(home.path(), &[(90, 5_000, 0, false)], commits);
        let answer = asked(&ledger, &[YieldBy::Commit], 24);
        let sums = &answer.rows[0].sums;
        assert_eq!((sums.at_commits.list, sums.per_commit(), sums.per_line()), (None, None, None));
        assert_eq!(sums.at_commits.unpriced_tokens, 5_000);
        assert!(
            answer.notes.iter().any(|note| note.starts_with("5.0 k tokens without")),
            "{:?}",
            answer.notes
        );
    }
}
